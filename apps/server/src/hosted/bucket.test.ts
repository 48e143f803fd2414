import { type S3ObjectStore, createS3ObjectStore } from '@oci/cache/s3';
import { parseRepositoryName } from '@oci/spec-types';
import { type Versitygw, startVersitygw } from '@oci/testing';
import { describePeer, repositoryContract } from '@oci/testing/contracts';
import { afterAll, beforeAll } from 'vitest';

import { registryApiSuite } from '../../test/registry-api-suite.js';
import { createHostedRegistry } from './hosted-registry.js';
import { HostedRepository } from './hosted-repository.js';

describePeer('versitygw', 'a bucket of S3', () => {
  let gateway: Versitygw;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  async function bucketStore(): Promise<{ store: S3ObjectStore; close: () => Promise<void> }> {
    const { endpoint, region, credentials } = gateway;
    const connection = { endpoint, region, credentials, pathStyle: true };
    const store = createS3ObjectStore({ bucket: await gateway.createBucket(), connection });
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
});
