import { type ExtensionType, defaultTemplates, extensionRepository } from '@oci/manager';
import { OciError, annotations, tagOfVersion } from '@oci/spec-types';

import { kclFindings } from '../kcl/kcl-findings.js';
import { readMetadata } from '../validate/metadata.js';
import type { ValidationProfile } from '../validate/profile.js';
import { inspectDirectory } from '../validate/validate.js';
import { archive } from './archive.js';
import { type PackedArtifact, assemble, refuseErrors } from './packed-artifact.js';
import { readSourceTree } from './source-tree.js';

/** The artifact type of an extension; the platform has published none of its own. */
export function extensionArtifactType(type: ExtensionType): string {
  return `application/vnd.provisioning.extension.${type}.v1`;
}

export interface ExtensionSourceDirectory {
  readonly type: ExtensionType;
  readonly directory: string;
  /** Default: what the extension's own files say. */
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly created?: Date | undefined;
  /** Layouts of one's own, tried before the platform's: what declares the extension, and what it has to have. */
  readonly profiles?: readonly ValidationProfile[] | undefined;
}

/**
 * Packs an extension's directory: an artifact type of ours, the empty config, one gzip tar.
 *
 * @throws OciError `USAGE`, `EXTENSION_INVALID` when nothing says its name and version
 */
export async function packExtension(source: ExtensionSourceDirectory): Promise<PackedArtifact> {
  const tree = await readSourceTree(source.directory);
  const textOf = (path: string): string | undefined => {
    const file = tree.find((entry) => entry.path === path && entry.type === 'file');
    return file && Buffer.from(file.content).toString('utf8');
  };
  const { type, profiles = [] } = source;
  const inspected =
    profiles.length > 0
      ? await inspectDirectory(source.directory, { type }, { profiles })
      : undefined;
  refuseErrors(inspected?.findings ?? [], source.directory);
  const declared = inspected?.metadata ?? (await readMetadata(textOf));
  const name = source.name ?? declared?.name;
  const version = source.version ?? declared?.version;
  if (name === undefined || version === undefined) {
    throw new OciError(
      'EXTENSION_INVALID',
      `nothing in ${source.directory} says the extension's name and version`,
      {
        hint: 'Put an extension.toml there: [extension] name = "…" version = "…".',
      },
    );
  }
  if (declared?.type !== undefined && declared.type !== source.type) {
    const message = `says type ${declared.type}, expected ${source.type}`;
    refuseErrors([{ severity: 'error', path: declared.file, message }], source.directory);
  }
  const kclMods = ['kcl.mod', 'kcl/kcl.mod'].flatMap((path) => {
    const mod = textOf(path);
    return mod === undefined ? [] : kclFindings({ mod, lock: textOf(`${path}.lock`) }, path);
  });
  const findings = inspected?.findings ?? kclMods;
  refuseErrors(findings, source.directory);
  const parts = assemble({
    artifactType: extensionArtifactType(source.type),
    layer: await archive(tree),
    title: `${name}_${version}.tgz`,
    annotations: {
      [annotations.title]: name,
      [annotations.version]: version,
      ...(declared?.description && { [annotations.description]: declared.description }),
    },
    created: source.created,
  });
  return {
    ...parts,
    tag: tagOfVersion(version),
    findings,
    repository: (namespace) =>
      extensionRepository(defaultTemplates, { namespace, type: source.type, name }),
  };
}
