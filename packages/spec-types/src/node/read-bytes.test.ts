import { expect, test } from 'vitest';

import { readBytes } from './read-bytes.js';

/** A stream that tells how many chunks were taken, and whether it was closed. */
function counted(chunks: number): {
  body: AsyncIterable<Uint8Array>;
  seen: { taken: number; closed: boolean };
} {
  const seen = { taken: 0, closed: false };
  async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (; seen.taken < chunks;) {
        seen.taken += 1;
        yield new Uint8Array(10).fill(seen.taken);
      }
    } finally {
      seen.closed = true;
    }
  }
  return { body: body(), seen };
}

test('reads a stream that is exactly as long as the limit', async () => {
  const { body } = counted(3);
  const bytes = await readBytes(body, { limit: 30, what: 'it' });
  expect(bytes).toEqual(Buffer.from([1, 2, 3].flatMap((fill) => Array<number>(10).fill(fill))));
});

test('stops at the first byte beyond the limit and closes the stream', async () => {
  const { body, seen } = counted(Number.POSITIVE_INFINITY);
  await expect(readBytes(body, { limit: 29, what: 'the config' })).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'the config has more than 29 bytes',
  });
  expect(seen).toEqual({ taken: 3, closed: true });
});
