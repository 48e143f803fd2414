import {
  type Annotations,
  type Descriptor,
  OciError,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  annotations,
  emptyDescriptor,
  isOciError,
  mediaTypes,
  singleChunk,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';

import { type Finding, hasErrors } from '../validate/finding.js';

/** An artifact that is ready to be pushed. */
export interface PackedArtifact {
  readonly manifest: ResolvedManifest;
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  readonly tag: Tag;
  /** What may make trouble once it is published; no errors. */
  readonly findings: readonly Finding[];
  /** Where it belongs, for a namespace of extensions. */
  repository(namespace: string): RepositoryName;
}

/** What a manifest of one archive is made of. */
export interface ArtifactParts {
  readonly artifactType: string;
  readonly layer: Uint8Array;
  /** File name of the layer. */
  readonly title: string;
  readonly annotations: Annotations;
  readonly created: Date | undefined;
}

/** A manifest with the empty config and one gzip tar, and the blobs that it names. */
export function assemble(parts: ArtifactParts): Pick<PackedArtifact, 'manifest' | 'blobs'> {
  const layer: Descriptor = {
    mediaType: mediaTypes.layerTarGzip,
    digest: digestOf(parts.layer),
    size: parts.layer.byteLength,
    annotations: { [annotations.title]: parts.title },
  };
  const created = parts.created ?? sourceDate();
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType: parts.artifactType,
    config: emptyDescriptor,
    layers: [layer],
    annotations: {
      ...parts.annotations,
      ...(created && { [annotations.created]: created.toISOString().replace(/\.\d+Z$/, 'Z') }),
    },
  };
  return {
    manifest: describeManifest(Buffer.from(JSON.stringify(document))),
    blobs: [
      { descriptor: emptyDescriptor, bytes: Buffer.from('{}') },
      { descriptor: layer, bytes: parts.layer },
    ],
  };
}

/** What is wrong already is not published. @throws OciError `EXTENSION_INVALID` */
export function refuseErrors(findings: readonly Finding[], directory: string): void {
  if (!hasErrors(findings)) return;
  const said = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ path, message }) => `${path}: ${message}`);
  throw new OciError('EXTENSION_INVALID', `${directory} can not be packed: ${said.join('; ')}`, {
    hint: 'Nothing was published.',
  });
}

/** The reproducible-builds convention: seconds since the epoch. Without it a manifest has no date. */
function sourceDate(): Date | undefined {
  const seconds = process.env['SOURCE_DATE_EPOCH'];
  return seconds !== undefined && /^\d{1,11}$/.test(seconds)
    ? new Date(Number(seconds) * 1000)
    : undefined;
}

/**
 * Pushes the blobs, then the manifest under its tag.
 *
 * @throws OciError `TAG_EXISTS` when the version is published with other content, unless forced
 */
export async function pushArtifact(
  repository: Repository,
  packed: PackedArtifact,
  options: { readonly force?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { signal } = options;
  const { digest } = packed.manifest.descriptor;
  const published = await publishedDigest(repository, packed.tag, signal);
  if (published === digest) return;
  if (published !== undefined && !options.force) {
    throw new OciError(
      'TAG_EXISTS',
      `version ${packed.tag} is already published, as ${published}`,
      {
        hint: 'Publish a new version, or replace it with --force.',
      },
    );
  }
  await Promise.all(
    packed.blobs.map(({ descriptor, bytes }) =>
      repository.pushBlob(descriptor, singleChunk(bytes), { signal }),
    ),
  );
  await repository.pushManifest(packed.manifest, { tag: packed.tag, signal });
}

async function publishedDigest(
  repository: Repository,
  tag: Tag,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return (await repository.resolve(tag, { signal, forPush: true })).digest;
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    throw error;
  }
}
