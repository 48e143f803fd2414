import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { blobBytes, bytesOf, image, inChunks, randomBytes, startRegistry } from '@oci/testing';
import { describeManifest } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { MemoryRepository } from '../memory/memory-repository.js';
import { createRegistry } from '../registry.js';
import type { CopyEvent } from './copy-event.js';
import { copy } from './copy.js';

const tag = parseTag('1.0.0');
const to = parseRepositoryName('team/to');

test('an upload of a copy that breaks goes on where it broke', async () => {
  await using registry = await startRegistry();
  const large = blobBytes('application/octet-stream', randomBytes(5, 3_000_000));
  const source = new MemoryRepository();
  const base = image({ layers: [] });
  const [config] = base.blobs;
  const document = { ...base.manifest.document, layers: [large.descriptor] };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  for (const { descriptor, bytes } of [...(config ? [config] : []), large])
    await source.pushBlob(descriptor, inChunks(bytes));
  await source.pushManifest(manifest, { tag });
  registry.fault({
    method: 'PUT',
    path: '/uploads/',
    skip: 1,
    times: 1,
    destroyAfterRequestBytes: 1_500_000,
  });
  const client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  const events: CopyEvent[] = [];
  await copy(
    { repository: source, reference: tag },
    { repository: client.repository(to) },
    { concurrency: 1, onEvent: (event) => void events.push(event) },
  );
  await client.close();
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'resume', digest: large.descriptor.digest }),
  );
  expect(registry.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
  const done = events.flatMap((event) =>
    event.type === 'bytes' && event.digest === large.descriptor.digest ? [event.done] : [],
  );
  expect(done).toEqual([...new Set(done)].sort((a, b) => a - b));
});
