import { imageFor } from '@oci/client';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type Platform,
  type ReadableRepository,
  type ResolvedManifest,
  type Tag,
  emptyDescriptor,
  parseDigest,
  parseTag,
} from '@oci/spec-types';

import { chartNames } from './chart-name.js';
import { fileName } from './file-path.js';

export type ImageManifest = ResolvedManifest & { readonly kind: 'image' };

/** A layer of an artifact, as a file or a packed directory. */
export interface ArtifactFile {
  /** The title that its publisher gave it, which may be any text; else a name by its kind or digest. */
  readonly name: string;
  readonly descriptor: Descriptor;
}

export interface ArtifactFiles {
  /** Of an index that of the platform. */
  readonly manifest: ImageManifest;
  readonly files: readonly ArtifactFile[];
}

export interface ListFilesOptions extends CallOptions {
  /** Of an index, also as text (`linux/arm64`); default: that of this process. */
  readonly platform?: Platform | string | undefined;
  /** Throws to refuse the artifact. Gets what the reference names: of an index that. */
  readonly approve?: ((manifest: ResolvedManifest) => Promise<void>) | undefined;
}

/**
 * Looks which files an artifact has: its layers without the empty one.
 *
 * @param reference a tag or a digest
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`, `MANIFEST_UNKNOWN` also for an index without the platform,
 * and what the repository fails with
 */
export async function listFiles(
  repository: ReadableRepository,
  reference: string,
  options: ListFilesOptions = {},
): Promise<ArtifactFiles> {
  const { signal, onEvent, approve, platform } = options;
  const call = { signal, onEvent };
  const name = parseName(reference);
  const root = await rootManifest(repository, name, call);
  await approve?.(root);
  const manifest = await imageFor(repository, root, { ...call, platform });
  const nameOf = chartNames(manifest.document, {
    repository: 'name' in repository ? String(repository.name) : undefined,
    reference: name,
  });
  const files = manifest.document.layers
    .filter(({ mediaType }) => mediaType !== emptyDescriptor.mediaType)
    .map((descriptor) => ({ name: fileName(descriptor, nameOf(descriptor)), descriptor }));
  return { manifest, files };
}

/** In one request where the repository can. */
async function rootManifest(
  repository: ReadableRepository & Partial<ManifestFetcher>,
  name: Tag | Digest,
  call: CallOptions,
): Promise<ResolvedManifest> {
  if (repository.fetch) return repository.fetch(name, call);
  return repository.fetchManifest(await repository.resolve(name, call), call);
}

interface ManifestFetcher {
  fetch(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<ResolvedManifest>;
}

/** Parses a tag or a digest, which is what has a colon. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` */
export function parseName(text: string): Tag | Digest {
  return typeof text === 'string' && text.includes(':') ? parseDigest(text) : parseTag(text);
}
