import type { ObjectStore } from '@oci/cache';
import type { CallOptions, Digest, RepositoryName } from '@oci/spec-types';

import { HostedBlobs } from './blobs.js';
import { keys, repositoryOfKey } from './keys.js';
import { type CorruptionListener, HostedContent } from './content.js';
import { HostedManifests } from './manifests.js';
import { Reclamation } from './reclamation.js';
import { References } from './references.js';
import { SharedStore } from './shared-store.js';
import { HostedUploads, type UploadsOptions } from './uploads.js';

/** Repositories that live here, over any object store. */
export interface HostedRegistry {
  readonly blobs: HostedBlobs;
  readonly manifests: HostedManifests;
  readonly uploads: HostedUploads;
  /** Whether content is stored, for whichever repository. */
  hasContent(digest: Digest): Promise<boolean>;
  /** Whether anything was ever pushed to a repository and is still there. */
  hasRepository(name: RepositoryName): Promise<boolean>;
  /** Every repository that has a manifest or blob, behind `after` in ASCII order. */
  listRepositories(after?: string): AsyncIterable<RepositoryName>;
  expireUploads(options: { olderThanMs: number }): Promise<number>;
  /** Removes content that nothing refers to, as an end in the middle of a deletion leaves it. */
  removeUnreferenced(options?: CallOptions): Promise<void>;
}

export interface HostedRegistryOptions {
  readonly uploads?: UploadsOptions | undefined;
  readonly onCorruption?: CorruptionListener | undefined;
}

export function createHostedRegistry(
  store: ObjectStore,
  options: HostedRegistryOptions = {},
): HostedRegistry {
  const shared = new SharedStore(store);
  const content = new HostedContent(shared, options.onCorruption);
  const references = new References(store);
  const reclamation = new Reclamation(async (digest) => {
    // All repositories are asked only about what is there: a push that fails would cost as much as there are.
    const isKept = (await store.head(keys.blob(digest))) && (await references.isReferenced(digest));
    if (!isKept) await content.remove(digest);
  });
  const blobs = new HostedBlobs(shared, { content, reclamation });
  const manifests = new HostedManifests(shared, { blobs, content });
  const uploads = new HostedUploads(store, blobs, options.uploads);
  const hasRepository = async (name: RepositoryName): Promise<boolean> => {
    const contents = store.list(keys.contents(name))[Symbol.asyncIterator]();
    return !(await contents.next()).done;
  };
  return {
    blobs,
    manifests,
    uploads,
    hasContent: async (digest) => (await content.size(digest)) !== undefined,
    hasRepository,
    async *listRepositories(after = '') {
      const names: RepositoryName[] = [];
      for await (const key of store.list(keys.names)) names.push(repositoryOfKey(key));
      for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
        if (name > after && (await hasRepository(name))) yield name;
      }
    },
    expireUploads: (age) => uploads.expire(age),
    async removeUnreferenced(call) {
      for await (const digest of references.unreferenced(call)) await reclamation.reclaim(digest);
    },
  };
}
