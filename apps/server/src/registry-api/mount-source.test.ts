import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import type { ApiRequest } from './api-request.js';
import { findMountSource } from './mount-source.js';

test('a mount without from asks 1000 repositories at most', async () => {
  let asked = 0;
  const registry = {
    async *holders() {
      for (;;) yield parseRepositoryName(`a/r${asked}`);
    },
    blobs: {
      find: async () => {
        asked += 1;
        return undefined;
      },
    },
  };
  const api = { query: new URLSearchParams(), registry, permits: { mount: () => true } };
  const found = await findMountSource(api as unknown as ApiRequest, digestOf(Buffer.from('x')));
  expect({ found, asked }).toEqual({ found: undefined, asked: 1000 });
});
