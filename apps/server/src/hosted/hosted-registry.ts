import type { ObjectStore } from '@oci/cache';
import type { RepositoryName } from '@oci/spec-types';

import { HostedBlobs } from './blobs.js';
import { keys, repositoryOfKey } from './keys.js';
import { HostedManifests } from './manifests.js';
import { HostedUploads } from './uploads.js';

/** Repositories that live here, over any object store. */
export interface HostedRegistry {
  readonly blobs: HostedBlobs;
  readonly manifests: HostedManifests;
  readonly uploads: HostedUploads;
  /** Whether anything was ever pushed to a repository and is still there. */
  hasRepository(name: RepositoryName): Promise<boolean>;
  /** Every repository that has a manifest or blob, in ASCII order. */
  listRepositories(): AsyncIterable<RepositoryName>;
  expireUploads(options: { olderThanMs: number }): Promise<number>;
}

export function createHostedRegistry(store: ObjectStore): HostedRegistry {
  const blobs = new HostedBlobs(store);
  const manifests = new HostedManifests(store, blobs);
  const uploads = new HostedUploads(store, blobs);
  return {
    blobs,
    manifests,
    uploads,
    async hasRepository(name) {
      for await (const key of store.list(keys.repository(name))) {
        if (repositoryOfKey(key) === name) return true;
      }
      return false;
    },
    async *listRepositories() {
      const names = new Set<RepositoryName>();
      for await (const key of store.list(keys.repositories)) names.add(repositoryOfKey(key));
      yield* [...names].sort((a, b) => (a < b ? -1 : 1));
    },
    expireUploads: (options) => uploads.expire(options),
  };
}
