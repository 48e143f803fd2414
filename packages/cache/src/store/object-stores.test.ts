import { temporaryDirectory } from '@oci/testing';
import { objectStoreContract } from '@oci/testing/contracts';

import { createFileObjectStore } from './file-object-store.js';
import { createMemoryObjectStore } from './memory-object-store.js';

objectStoreContract('memory', async () => ({
  store: createMemoryObjectStore(),
  close: async () => {},
}));

for (const fsync of [true, false]) {
  objectStoreContract(`a directory ${fsync ? 'with' : 'without'} fsync`, async () => {
    const directory = await temporaryDirectory();
    const store = createFileObjectStore(directory.path, { fsync });
    return { store, close: directory.remove };
  });
}
