import {
  type Descriptor,
  type TransferEvent,
  parseRepositoryName,
  withoutProgress,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { type Fault, type TestRegistry, collect, randomBytes, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';
import type { RegistryOptions } from '../registry-options.js';

const bytes = randomBytes(11, 300_000);
const name = parseRepositoryName('a/b');

interface Fetched {
  readonly digest: string | undefined;
  readonly error: unknown;
  readonly events: readonly TransferEvent[];
  readonly ranges: readonly (string | undefined)[];
}

/** Fetches one blob from a registry with faults, to its end or its error. */
async function fetch(
  faults: readonly Fault[],
  {
    change,
    ...options
  }: Partial<RegistryOptions> & {
    change?: (registry: TestRegistry, blob: Descriptor) => Descriptor | void;
  } = {},
): Promise<Fetched> {
  await using registry = await startRegistry();
  const put = registry.putBlob(name, bytes);
  const blob = change?.(registry, put) ?? put;
  for (const fault of faults) registry.fault(fault);
  const client = createRegistry({
    url: registry.url,
    retry: { delay: async () => {} },
    ...options,
  });
  const events: TransferEvent[] = [];
  let digest: string | undefined;
  let error: unknown;
  try {
    const repository = client.repository(name);
    const onEvent = withoutProgress((event) => events.push(event));
    digest = digestOf(await collect(await repository.fetchBlob(blob, { onEvent })));
  } catch (thrown) {
    error = thrown;
  }
  await client.close();
  const ranges = registry.requests.map(({ headers }) => headers.range);
  return { digest, error, events, ranges };
}

test('gives the bytes in one request', async () => {
  expect(await fetch([])).toMatchObject({ digest: digestOf(bytes), ranges: [undefined] });
});

test('gives the bytes where a registry redirects to', async () => {
  await using storage = await startRegistry();
  storage.putBlob(name, bytes);
  const fetched = await fetch([{ path: '/blobs/', redirect: (path) => `${storage.url}${path}` }]);
  expect(fetched.digest).toBe(digestOf(bytes));
});

test.each<[string, Partial<Fault>]>([
  ['breaks', { destroyAfterBytes: 100_000 }],
  ['is reset', { destroyAfterBytes: 100_000, reset: true }],
  ['ends early', { truncate: 100_000 }],
])('goes on where a connection %s', async (_, fault) => {
  const fetched = await fetch([{ path: '/blobs/', times: 1, ...fault }]);
  expect(fetched.error).toBeUndefined();
  expect(fetched.digest).toBe(digestOf(bytes));
  expect(fetched.ranges).toHaveLength(2);
  expect(fetched.ranges[1]).toMatch(/^bytes=\d+-299999$/);
  expect(fetched.events.map(({ type }) => type)).toEqual(['retry', 'resume']);
});

test('goes on where a registry knows no ranges', async () => {
  const fetched = await fetch([
    { path: '/blobs/', destroyAfterBytes: 100_000, times: 1 },
    { path: '/blobs/', ignoreRange: true },
  ]);
  expect(fetched.digest).toBe(digestOf(bytes));
  expect(fetched.events.at(-1)).toMatchObject({ type: 'resume', offset: 0 });
});

test('gives up when no connection brings anything', async () => {
  const fetched = await fetch([{ path: '/blobs/', truncate: 0 }]);
  expect(fetched.error).toMatchObject({ code: 'NETWORK', retryable: true });
  expect(fetched.ranges).toHaveLength(5);
});

test.each<[string, Partial<Fault>, string]>([
  ['bytes that are altered', { bodyTransform: flip }, 'DIGEST_MISMATCH'],
  ['more bytes', { bodyTransform: (body) => Buffer.concat([body, body]) }, 'SIZE_MISMATCH'],
  [
    'more bytes without their number',
    { bodyTransform: (body) => Buffer.concat([body, body]), omitHeaders: ['content-length'] },
    'SIZE_MISMATCH',
  ],
  ['fewer bytes', { bodyTransform: (body) => body.subarray(1) }, 'SIZE_MISMATCH'],
  [
    'fewer bytes without their number',
    { bodyTransform: (body) => body.subarray(1), omitHeaders: ['content-length'] },
    'SIZE_MISMATCH',
  ],
  ['endless bytes', { endless: true, omitHeaders: ['content-length'] }, 'SIZE_MISMATCH'],
  ['encoded bytes', { gzip: true }, 'PROTOCOL'],
  ['404', { status: 404 }, 'BLOB_UNKNOWN'],
  ['403', { status: 403 }, 'DENIED'],
  ['500', { status: 500 }, 'REGISTRY_UNAVAILABLE'],
])('a registry that sends %s fails the fetch', async (_, fault, code) => {
  const { error, digest } = await fetch([{ path: '/blobs/', ...fault }]);
  expect(digest).toBeUndefined();
  expect(error).toMatchObject({ code });
});

function flip(body: Uint8Array): Uint8Array {
  const altered = body.slice();
  altered[0] = (altered[0] ?? 0) ^ 1;
  return altered;
}

test('an altered blob is told by both digests', async () => {
  const { error } = await fetch([], {
    change: (registry, { digest }) => registry.corruptBlob(digest, flip),
  });
  expect(String(error)).toContain(digestOf(bytes));
  expect(String(error)).toContain(digestOf(flip(bytes)));
});

test.each([
  'bytes 0-299999/300000',
  'bytes 1-299999/300000',
  'bytes 100000-200000/300000',
  'items 1-2/3',
  '',
])('where an answer has the wrong range %j all of it is asked for', async (contentRange) => {
  const { digest, ranges } = await fetch([
    { path: '/blobs/', destroyAfterBytes: 100_000, times: 1 },
    { path: '/blobs/', contentRange, times: 1 },
  ]);
  expect(digest).toBe(digestOf(bytes));
  expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=/), undefined]);
});

test.each([
  ['416', { status: 416 }],
  ['416 with its size', { status: 416, headers: { 'content-range': 'bytes */300000' } }],
  ['encoded bytes', { gzip: true }],
])('where a range is answered with %s all of it is asked for', async (_, fault) => {
  const { digest, ranges } = await fetch([
    { path: '/blobs/', destroyAfterBytes: 100_000, times: 1 },
    { path: '/blobs/', ...fault, times: 1 },
  ]);
  expect(digest).toBe(digestOf(bytes));
  expect(ranges).toHaveLength(3);
});

test('a host that brings a few bytes a connection is given up', async () => {
  const { error, ranges } = await fetch([{ path: '/blobs/', destroyAfterBytes: 100 }]);
  expect(error).toMatchObject({ code: 'NETWORK' });
  expect(ranges).toHaveLength(5);
});

test('an answer with a part of a blob of another size is SIZE_MISMATCH', async () => {
  const { error } = await fetch([
    { path: '/blobs/', destroyAfterBytes: 100_000, times: 1 },
    { path: '/blobs/', contentRange: 'bytes 100000-299999/300001' },
  ]);
  expect(error).toMatchObject({ code: 'SIZE_MISMATCH' });
});

test('a descriptor that tells an enormous size costs nothing (GHSA-f36w-mj3v-6jqv)', async () => {
  const { error } = await fetch([], { change: (_, blob) => ({ ...blob, size: 2 ** 52 }) });
  expect(error).toMatchObject({ code: 'SIZE_MISMATCH' });
});

test('the urls of a foreign layer are never asked (CVE-2020-15157, ggcr #2293)', async () => {
  await using evil = await startRegistry();
  const { error } = await fetch([{ path: '/blobs/', status: 404 }], {
    change: (_, blob) => ({ ...blob, urls: [`${evil.url}/v2/a/b/blobs/${blob.digest}`] }),
  });
  expect(error).toMatchObject({ code: 'BLOB_UNKNOWN' });
  expect(evil.requests).toEqual([]);
});

test('lets go of the connection when the reader stops', async () => {
  await using registry = await startRegistry();
  const blob = registry.putBlob(name, randomBytes(12, 5_000_000));
  const client = createRegistry({ url: registry.url });
  for await (const chunk of await client.repository(name).fetchBlob(blob)) {
    expect(chunk.byteLength).toBeGreaterThan(0);
    break;
  }
  expect(await client.repository(name).hasBlob(blob)).toBe(true);
  await client.close();
});
