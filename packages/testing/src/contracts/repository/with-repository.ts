import type { CallOptions, Descriptor, Repository } from '@oci/spec-types';

import type { ArtifactBytes } from '../../artifact/artifact-bytes.js';
import { collect, inChunks } from '../../bytes.js';
/** What a test works on, made for it alone. */
interface Made<R> {
  readonly repository: R;
  readonly close: () => Promise<void>;
}

/** Runs a test on a repository of its own, which is closed afterwards. */
export function withRepository<R extends Repository, M extends Made<R>>(
  make: () => Promise<M & Made<R>>,
  test: (repository: R, made: M) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const made = await make();
    try {
      await test(made.repository, made);
    } finally {
      await made.close();
    }
  };
}

/** All bytes of a blob, to the end of its verification. */
export async function readBlob(
  repository: Repository,
  descriptor: Descriptor,
  options?: CallOptions,
): Promise<Uint8Array> {
  return collect(await repository.fetchBlob(descriptor, options));
}

/** Pushes all that an artifact consists of, its manifest last. */
export async function pushAll(
  repository: Repository,
  artifact: ArtifactBytes,
  options?: Parameters<Repository['pushManifest']>[1],
): Promise<void> {
  for (const child of artifact.children) await pushAll(repository, child);
  for (const { descriptor, bytes } of artifact.blobs) {
    await repository.pushBlob(descriptor, inChunks(bytes));
  }
  await repository.pushManifest(artifact.manifest, options);
}
