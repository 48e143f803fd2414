import { createFileObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { repositoryContract } from '@oci/testing/contracts';

import { createHostedRegistry } from './hosted-registry.js';
import { HostedRepository } from './hosted-repository.js';

const name = parseRepositoryName('contract/test');

repositoryContract('a hosted repository in memory', async () => ({
  repository: new HostedRepository(createHostedRegistry(createMemoryObjectStore()), name),
  close: async () => {},
}));

repositoryContract('a hosted repository on disk', async () => {
  const directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path, { fsync: false });
  return {
    repository: new HostedRepository(createHostedRegistry(store), name),
    close: directory.remove,
  };
});
