import { parseRepositoryName } from '@oci/spec-types';
import { collect, randomBytes, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from './registry.js';

test('closing a registry ends what runs, and nothing of it is tried again', async () => {
  await using server = await startRegistry();
  const bytes = randomBytes(7, 200_000);
  const name = parseRepositoryName('a/b');
  const descriptor = server.putBlob(name, bytes);
  server.fault({ path: '/blobs/', pause: { afterBytes: 1000, until: new Promise(() => {}) } });
  const registry = createRegistry({ url: server.url });
  const repository = registry.repository(name);
  const reading = collect(await repository.fetchBlob(descriptor));
  await Promise.all([
    expect(reading).rejects.toMatchObject({ code: 'ABORTED', retryable: false }),
    registry.close(),
  ]);
  await expect(registry.ping()).rejects.toMatchObject({ code: 'ABORTED' });
  expect(server.requests).toHaveLength(1);
});
