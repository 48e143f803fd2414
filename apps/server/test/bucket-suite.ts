import { type S3ObjectStore, createS3ObjectStore } from '@oci/cache/s3';
import { parseRepositoryName } from '@oci/spec-types';
import type { S3Service } from '@oci/testing';
import { repositoryContract } from '@oci/testing/contracts';

import { createHostedRegistry } from '../src/hosted/hosted-registry.js';
import { HostedRepository } from '../src/hosted/hosted-repository.js';
import { registryApiSuite } from './registry-api-suite.js';

/** What hosted repositories do in a bucket of any service. @param service runs before the first test does */
export function bucketSuite(service: () => S3Service): void {
  async function bucketStore(): Promise<{ store: S3ObjectStore; close: () => Promise<void> }> {
    const { endpoint, region, credentials } = service();
    const connection = { endpoint, region, credentials, pathStyle: true };
    const store = createS3ObjectStore({ bucket: await service().createBucket(), connection });
    return { store, close: async () => store.close() };
  }

  registryApiSuite('a bucket', bucketStore, { referrers: 200 });

  repositoryContract('a hosted repository in a bucket', async () => {
    const { store, close } = await bucketStore();
    const registry = createHostedRegistry(store);
    return {
      repository: new HostedRepository(registry, parseRepositoryName('contract/test')),
      close,
    };
  });
}
