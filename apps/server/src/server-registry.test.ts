import { expect, test } from 'vitest';

import { createMemoryObjectStore } from '@oci/cache';

import { createHostedRegistry } from './hosted/hosted-registry.js';
import { keys } from './hosted/keys.js';
import { quotaFigures } from './server-registry.js';

test('a storage that fails hides the figures of quotas, and no other metric', async () => {
  const store = createMemoryObjectStore();
  const quotas = { quotas: [{ namespace: 'team', maxBytes: 10 }] };
  const registry = createHostedRegistry(store, { quotas });
  expect(await quotaFigures(registry)).toEqual([{ namespace: 'team', used: 0, limit: 10 }]);
  const entries = store.entries.bind(store);
  store.entries = (prefix, options) => {
    if (prefix === keys.quotas) throw new Error('the bucket is away');
    return entries(prefix, options);
  };
  expect(await quotaFigures(registry)).toEqual([]);
});
