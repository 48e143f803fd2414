import { type ExtensionType, defaultTemplates, extensionRepository } from '@oci/manager';
import { OciError, annotations, tagOfVersion } from '@oci/spec-types';

import { kclFindings } from '../kcl/kcl-findings.js';
import type { Finding } from '../validate/finding.js';
import { type ExtensionMetadata, readMetadata } from '../validate/metadata.js';
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
  /** Profiles of one's own, tried before the platform's: what declares the extension, and what it has to have. */
  readonly profiles?: readonly ValidationProfile[] | undefined;
}

/**
 * Packs an extension's directory: an artifact type of ours, the empty config, one gzip tar.
 *
 * @throws OciError `USAGE`, `EXTENSION_INVALID` when nothing says its name and version
 */
export async function packExtension(source: ExtensionSourceDirectory): Promise<PackedArtifact> {
  const tree = await readSourceTree(source.directory);
  const textOf: TextOf = (path) => {
    const file = tree.find((entry) => entry.path === path && entry.type === 'file');
    return file && Buffer.from(file.content).toString('utf8');
  };
  const { type, directory, profiles = [] } = source;
  const inspected =
    profiles.length > 0 ? await inspectDirectory(directory, { type }, { profiles }) : undefined;
  refuseErrors(inspected?.findings ?? [], directory);
  const declared = inspected?.metadata ?? (await readMetadata(textOf));
  const { name, version } = nameOf(source, declared);
  const findings = inspected?.findings ?? findingsOfKcl(textOf);
  refuseErrors(findings, directory);
  const parts = assemble({
    artifactType: extensionArtifactType(type),
    layer: await archive(tree),
    title: `${name}_${version}.tgz`,
    annotations: {
      [annotations.title]: name,
      [annotations.version]: version,
      ...(declared?.description && { [annotations.description]: declared.description }),
    },
    created: source.created,
  });
  const repository: PackedArtifact['repository'] = (namespace) =>
    extensionRepository(defaultTemplates, { namespace, type, name });
  return { ...parts, tag: tagOfVersion(version), findings, repository };
}

/** Returns the text of a file of the directory. */
type TextOf = (path: string) => string | undefined;

/** @throws OciError `EXTENSION_INVALID` when nothing says the name and version, or something says another type */
function nameOf(
  { name, version, type, directory }: ExtensionSourceDirectory,
  declared: ExtensionMetadata | undefined,
): { readonly name: string; readonly version: string } {
  const named = { name: name ?? declared?.name, version: version ?? declared?.version };
  if (named.name === undefined || named.version === undefined) {
    throw new OciError(
      'EXTENSION_INVALID',
      `nothing in ${directory} says the extension's name and version`,
      { hint: 'Put an extension.toml there: [extension] name = "…" version = "…".' },
    );
  }
  if (declared?.type !== undefined && declared.type !== type) {
    const message = `says type ${declared.type}, expected ${type}`;
    refuseErrors([{ severity: 'error', path: declared.file, message }], directory);
  }
  return { name: named.name, version: named.version };
}

function findingsOfKcl(textOf: TextOf): readonly Finding[] {
  return ['kcl.mod', 'kcl/kcl.mod'].flatMap((path) => {
    const mod = textOf(path);
    return mod === undefined ? [] : kclFindings({ mod, lock: textOf(`${path}.lock`) }, path);
  });
}
