import { bytesOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { readBody } from './bounded-body.js';
import type { RegistryResponse } from './exchange.js';

const url = new URL('https://registry.example/v2/');
const request = { url, method: 'GET' } as const;

function answer(
  chunks: Iterable<Uint8Array>,
  headers: Record<string, string> = {},
): RegistryResponse & { destroyed: () => boolean } {
  let destroyed = false;
  const body = {
    dump: async () => {},
    destroy: () => {
      destroyed = true;
    },
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
  return { status: 200, headers, body, url, attempts: 1, destroyed: () => destroyed };
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield new Uint8Array(1000);
}

test('reads all of a body that fits exactly', async () => {
  const response = answer([bytesOf('ab'), bytesOf('cd')]);
  expect((await readBody(response, 4, request)).toString()).toBe('abcd');
});

test.each([
  ['one byte more', [bytesOf('ab'), bytesOf('cde')]],
  ['endlessly more', endless()],
])(
  'stops and lets go of the connection at %s than allowed (GHSA-298f-872v-2rcx)',
  async (_, chunks) => {
    const response = answer(chunks);
    await expect(readBody(response, 4, request)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(response.destroyed()).toBe(true);
  },
);

test('allocates by what comes, not by what is announced (GHSA-f36w-mj3v-6jqv)', async () => {
  const response = answer([bytesOf('ab')], { 'content-length': String(2 ** 52) });
  expect(await readBody(response, 2 ** 53, request)).toHaveLength(2);
});

test.each(['gzip', 'br', 'gzip, gzip, gzip, gzip, gzip, gzip', 'GZIP'])(
  'refuses content that is encoded as %s (CVE-2026-22036)',
  async (encoding) => {
    const response = answer([bytesOf('ab')], { 'content-encoding': encoding });
    await expect(readBody(response, 100, request)).rejects.toMatchObject({
      code: 'PROTOCOL',
      hint: expect.stringContaining('proxy'),
    });
  },
);

test('accepts content that says it is not encoded', async () => {
  const response = answer([bytesOf('ab')], { 'content-encoding': 'identity' });
  expect(await readBody(response, 100, request)).toHaveLength(2);
});
