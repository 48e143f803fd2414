import { createFileObjectStore, createMemoryObjectStore } from '@oci/cache';
import { temporaryDirectory } from '@oci/testing';

import { registryApiSuite } from '../../test/registry-api-suite.js';

registryApiSuite('memory', async () => ({
  store: createMemoryObjectStore(),
  close: async () => {},
}));

registryApiSuite('a directory', async () => {
  const directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path, { isExclusive: true, fsync: false });
  return { store, close: directory.remove };
});
