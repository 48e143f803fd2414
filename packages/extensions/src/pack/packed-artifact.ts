import {
  type Annotations,
  type Descriptor,
  type Digest,
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
import { creationTime, describeManifest, digestOf, isSameButCreated } from '@oci/spec-types/node';

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
  /** Default: now, or what `SOURCE_DATE_EPOCH` says. */
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
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType: parts.artifactType,
    config: emptyDescriptor,
    layers: [layer],
    annotations: {
      ...parts.annotations,
      [annotations.created]: creationTime(parts.created),
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

/** What a push did. */
export interface PushedArtifact {
  /** The manifest that the tag points to now: an older one of the same content stays. */
  readonly manifest: ResolvedManifest;
  /** False when the same content was published already. */
  readonly changed: boolean;
  /** The manifest that `force` took the tag from. */
  readonly replaced: Digest | undefined;
}

/**
 * Pushes the blobs, then the manifest under its tag. What differs from what is published in its creation time alone is
 * the same content: it is not pushed, unless forced.
 *
 * A cache that knows the version by a manifest that was replaced serves that until it is told: `OciManager.forget`.
 *
 * @throws OciError `TAG_EXISTS` when the version is published with other content, unless forced
 */
export async function pushArtifact(
  repository: Repository,
  packed: PackedArtifact,
  options: { readonly force?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<PushedArtifact> {
  const { force = false, signal } = options;
  const { manifest, tag } = packed;
  const published = await publishedAs(repository, tag, signal);
  if (published?.digest === manifest.descriptor.digest)
    return { manifest, changed: false, replaced: undefined };
  if (published && !force) {
    const other = await repository.fetchManifest(published, { signal, forPush: true });
    if (isSameButCreated(manifest, other))
      return { manifest: other, changed: false, replaced: undefined };
    throw new OciError(
      'TAG_EXISTS',
      `version ${tag} is already published, as ${other.descriptor.digest}`,
      {
        hint: 'Publish a new version, or replace it with `force`.',
        reason: { kind: 'tag-taken' },
      },
    );
  }
  await Promise.all(
    packed.blobs.map(({ descriptor, bytes }) =>
      repository.pushBlob(descriptor, singleChunk(bytes), { signal }),
    ),
  );
  await repository.pushManifest(manifest, { tag, signal });
  return { manifest, changed: true, replaced: published?.digest };
}

async function publishedAs(
  repository: Repository,
  tag: Tag,
  signal: AbortSignal | undefined,
): Promise<Descriptor | undefined> {
  try {
    return await repository.resolve(tag, { signal, forPush: true });
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    throw error;
  }
}
