import { type Descriptor, isOciError, parseRepositoryName } from '@oci/spec-types';
import { image, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import {
  type Registry,
  createIndex,
  createManifest,
  createRegistry,
  openRepository,
} from './index.js';
import { copy } from './copy/index.js';
import { MemoryRepository } from './layout/index.js';
import type { RemoteRepository } from './repository/remote-repository.js';

/** What a program in plain JavaScript may give in place of a text. */
const noText: readonly unknown[] = [
  undefined,
  null,
  7,
  true,
  {},
  [],
  Symbol('x'),
  { toString: () => '1.0' },
  new URL('https://registry.example/'),
];

const hostileText = [
  '',
  ' ',
  '.',
  '..',
  '../../v2/_catalog',
  'a/../b',
  '%2e%2e%2fx',
  '1.0%2f..',
  '1.0/../../x',
  '1.0?ns=evil',
  '1.0#x',
  '1.0\r\nX-Evil: 1',
  '1.0\0',
  'sha256:../../x',
  `sha256:${'A'.repeat(64)}`,
  'sha256:%2f',
  'a b',
  'ä',
  'x'.repeat(300),
];

const badDescriptors: readonly unknown[] = [
  ...noText,
  ...[...noText, ...hostileText].map((digest) => ({ mediaType: 'a/b', digest, size: 1 })),
];

const digest = `sha256:${'a'.repeat(64)}`;
const good = { mediaType: 'application/octet-stream', digest, size: 3 } as Descriptor;
const badSizes = [undefined, null, -1, 1.5, NaN, '3', {}].map((size) => ({ ...good, size }));
const badCalls = [null, 7, 'x', { signal: {} }, { signal: 'x' }, { onEvent: 'x' }, { onEvent: {} }];

type Loose = Record<string, (...given: readonly unknown[]) => unknown>;

/** Every call with an argument that is wrong. */
function wrongCalls(registry: Registry): readonly (readonly [string, () => unknown])[] {
  const named = registry.repository('a/b');
  const repository = named as unknown as Loose;
  const loose = registry as unknown as Loose;
  const withEach = (
    method: string,
    values: readonly unknown[],
    argumentsOf: (value: unknown) => readonly unknown[],
    on: Loose = repository,
  ) => values.map((value) => [method, () => on[method]?.(...argumentsOf(value))] as const);
  const names = [...noText, ...hostileText];
  const optional = names.filter((name) => name !== undefined);
  const byDescriptor = [
    'fetchManifest',
    'fetchBlob',
    'fetchBytes',
    'hasBlob',
    'deleteManifest',
    'deleteBlob',
  ];
  return [
    ...withEach('repository', names, (name) => [name], loose),
    ...['resolve', 'fetch', 'deleteTag'].flatMap((method) => [
      ...withEach(method, names, (name) => [name]),
      ...withEach(method, badCalls, (call) => ['1.0', call]),
    ]),
    ...byDescriptor.flatMap((method) => [
      ...withEach(method, [...badDescriptors, ...badSizes], (descriptor) => [descriptor]),
      ...withEach(method, badCalls, (call) => [good, call]),
    ]),
    ...withEach('listReferrers', badDescriptors, (subject) => [subject]),
    ...withEach('listReferrers', badCalls, (call) => [good, call]),
    ...withEach('listTags', [...badCalls, { limit: 'x' }, { pageSize: {} }], (call) => [call]),
    ...withEach('listRepositories', badCalls, (call) => [call], loose),
    ...withEach('ping', badCalls, (call) => [call], loose),
    ...withEach('mountBlob', optional, (from) => [good, from]),
    ...withEach('downloadBlob', [undefined, null, 7, {}, '', 'a\0b'], (path) => [good, path]),
    ...withEach('pushBlob', [undefined, null, 7, 'text', {}, [1]], (body) => [good, body]),
    ...withEach(
      'pushBlob',
      optional.filter((name) => name !== true),
      (mount) => [good, new Uint8Array(3), { mount }],
    ),
    ...withEach('pushBytes', [undefined, null, 7, 'text', {}], (bytes) => [bytes]),
    ...withEach('pushBytes', ['', 'x', 7, 'a/b\r\n'], (mediaType) => [
      new Uint8Array(1),
      { mediaType },
    ]),
    ...withEach('pushManifest', [...noText, { bytes: 'x' }], (manifest) => [manifest]),
    ...withEach('pushManifest', optional, (tag) => [image().manifest, { tag }]),
    ...withEach('attach', names, (subject) => [subject, { artifactType: 'a/b' }]),
    ...withEach('attach', [undefined, {}, { artifactType: 'x' }], (options) => [good, options]),
    ...withEach('fetchConfig', [...noText], (manifest) => [manifest]),
    ...withEach(
      'fetchBlob',
      [{ first: -1 }, { first: 3 }, { first: 2, last: 1 }, {}, 'x'],
      (range) => [good, { range }],
    ),
    ...withEach('fetchBytes', [0, -1, 'x', {}], (limit) => [good, { limit }]),
    ...withEach(
      'request',
      [...noText, ...hostilePaths.map((path) => ({ path }))],
      (raw) => [raw],
      loose,
    ),
    ...withEach(
      'request',
      hostileRequests.map((raw) => ({ path: '/v2/', ...raw })),
      (raw) => [raw],
      loose,
    ),
  ];
}

const hostilePaths = [
  ...noText,
  ...hostileText,
  '//evil.example/v2/',
  'https://evil.example/v2/',
  '/v2/../x',
  '/v2/a/%2e%2e/b',
  '/v2/a%2fb/tags/list',
  '/v2/a%5Cb',
  '/v2/a\\b',
  '/v2/a b',
  '/v2/#x',
  '/v2/\r\nX-Evil: 1',
  '/v2/%0d%0aX-Evil',
];
const hostileRequests = [
  { method: 'CONNECT' },
  { method: 'GET / HTTP/1.1' },
  { headers: { authorization: 'x' } },
  { headers: { host: 'evil.example' } },
  { headers: { 'x-evil': 'a\r\nb: c' } },
  { headers: { 'x evil': 'a' } },
  { headers: { 'x-evil': 7 } },
  { headers: 'x' },
  { body: 'text' },
  { body: {} },
];

test('no call with a wrong argument sends anything, or fails as a defect', async () => {
  await using server = await startRegistry();
  await using registry = createRegistry({ url: server.url });
  const calls = wrongCalls(registry);
  expect(calls.length).toBeGreaterThan(500);
  const others: string[] = [];
  for (const [method, call] of calls) {
    const failure = await outcomeOf(call);
    if (!isUsersMistake(failure)) others.push(`${method}: ${String(failure)}`);
  }
  expect(others).toEqual([]);
  expect(server.requests).toEqual([]);
});

const badOptions: readonly unknown[] = [
  undefined,
  null,
  'x',
  { url: 7 },
  {},
  { url: 'https://a b' },
  { url: 'https://registry.example/path' },
  { url: 'https://registry.example\r\n' },
  ...[
    { credentials: { username: 'x' } },
    { headers: 'x' },
    { headers: { a: 1 } },
    { mirrors: 'x' },
    { mirrors: [7] },
    { mirrors: [{}] },
    { mirrors: [{ location: 7 }] },
    { retry: 5 },
    { retry: { attempts: '5' } },
    { timeouts: { connectMs: NaN } },
    { limits: { pages: -1 } },
    { pace: { bodies: 'x' } },
    { download: { connections: 0 } },
    { bytesPerSecond: '1' },
    { proxy: 'http://proxy.example' },
    { userAgent: 'a\r\nb' },
    { trustedRealms: 'x' },
    { observer: {} },
    { ca: 7 },
  ].map((option) => ({ url: 'registry.example', ...option })),
];

test.each(badOptions.map((options) => [options]))('createRegistry refuses %j', async (options) => {
  const failure = await outcomeOf(() => createRegistry(options as { url: string }));
  expect(failure).toSatisfy(isUsersMistake);
});

const noReference = [...noText, ...hostileText.filter((text) => !text.startsWith('sha256:A'))];

test.each(noReference.map((reference) => [reference]))(
  'openRepository refuses %j',
  async (reference) => {
    const failure = await outcomeOf(() => openRepository(reference as string));
    expect(failure).toSatisfy(isUsersMistake);
  },
);

test('what is no descriptor becomes no manifest', async () => {
  const wrong = [{}, { layers: 'x' }, { artifactType: 'a/b', layers: [{ digest: 'x' }] }];
  for (const given of wrong) {
    const failure = await outcomeOf(() => createManifest(given as object));
    expect(failure).toSatisfy(isUsersMistake);
  }
  const failure = await outcomeOf(() => createIndex({ manifests: [7] } as never));
  expect(failure).toSatisfy(isUsersMistake);
});

test('a copy from nowhere, or to nowhere, is no copy', async () => {
  const repository = new MemoryRepository();
  const source = { repository, reference: '1.0' };
  for (const given of noText) {
    const from = copy(given as typeof source, { repository });
    await expect(from).rejects.toMatchObject({ code: 'USAGE' });
    const to = copy(source, given as { repository: typeof repository });
    await expect(to).rejects.toMatchObject({ code: 'USAGE' });
  }
});

test('identifiers that were parsed are taken as they are', () => {
  const registry = createRegistry({ url: 'registry.example' });
  const repository: RemoteRepository = registry.repository(parseRepositoryName('a/b'));
  expect(repository.name).toBe('a/b');
});

function isUsersMistake(failure: unknown): boolean {
  const codes = ['USAGE', 'REFERENCE_INVALID', 'DIGEST_INVALID'] as const;
  return isOciError(failure, ...codes) && failure.hint !== undefined;
}

/** What a call throws, rejects with, or fails with when it is iterated. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await call();
    if (Symbol.asyncIterator in Object(result))
      for await (const item of result as AsyncIterable<unknown>) return item;
    return result;
  } catch (error) {
    return error;
  }
}
