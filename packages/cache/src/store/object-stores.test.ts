import { temporaryDirectory } from '@oci/testing';
import { objectStoreContract } from '@oci/testing/contracts';

import { createFileObjectStore } from './file-object-store.js';
import { createMemoryObjectStore } from './memory-object-store.js';

objectStoreContract('memory', async () => ({
  store: createMemoryObjectStore(),
  close: async () => {},
}));

for (const [name, options] of [
  ['a directory', {}],
  ['a directory without fsync', { fsync: false }],
  ['a directory of one process', { isExclusive: true }],
] as const) {
  objectStoreContract(name, async () => {
    const directory = await temporaryDirectory();
    const store = createFileObjectStore(directory.path, options);
    return { store, close: directory.remove };
  });
}
