import { inChunks, collect, randomBytes, startRegistry } from '@oci/testing';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';

const name = parseRepositoryName('a/b');
const bytes = randomBytes(120, 1_000_000);
const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };

test('holds bytes back, down and up together, as long as the limit asks', async () => {
  await using registry = await startRegistry();
  const delays: number[] = [];
  const delay = async (milliseconds: number): Promise<void> => void delays.push(milliseconds);
  const client = createRegistry({
    url: registry.url,
    bytesPerSecond: 100_000,
    retry: { delay },
  });
  const repository = client.repository(name);
  await repository.pushBlob(blob, inChunks(bytes, 100_000));
  expect(delays).toHaveLength(9);
  const afterPush = Math.max(...delays);
  expect(afterPush).toBeGreaterThan(7000);
  expect(afterPush).toBeLessThanOrEqual(9000);
  expect(await collect(await repository.fetchBlob(blob))).toHaveLength(bytes.byteLength);
  expect(Math.max(...delays)).toBeGreaterThan(15_000);
  await client.close();
});

test('a transfer that is held back can be aborted', async () => {
  await using registry = await startRegistry();
  registry.putBlob(name, bytes);
  const client = createRegistry({ url: registry.url, bytesPerSecond: 1 });
  const controller = new AbortController();
  const body = await client.repository(name).fetchBlob(blob, { signal: controller.signal });
  const reading = (async () => {
    for await (const chunk of body) if (chunk.byteLength > 0) controller.abort();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
  await client.close();
});

test.each([0, 0.5, Number.NaN])('a limit of %d bytes a second is refused', (bytesPerSecond) => {
  expect(() => createRegistry({ url: 'http://localhost', bytesPerSecond })).toThrow(
    expect.objectContaining({ code: 'USAGE' }),
  );
});
