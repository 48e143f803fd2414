import { join } from 'node:path';

import { type TransferEvent, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type RegistryOptions as TestRegistryOptions,
  type TestRegistry,
  collect,
  inChunks,
  kclPackage,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { copy } from '../copy/copy.js';
import { staticCredentials } from '../credentials/credential.js';
import { createRegistry } from '../registry.js';
import type { RegistryOptions } from '../registry-options.js';
import { type MirrorOptions, nameAt, parseMirrorLocation } from './mirror.js';

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');
const artifact = kclPackage({ name: 'demo', version: '1.0.0' });
const { descriptor } = describeManifest(artifact.manifest.bytes, artifact.manifest.mediaType);
const layer = artifact.blobs.at(-1)?.descriptor ?? descriptor;

async function serving(
  options: TestRegistryOptions = {},
  repository: string = name,
): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  registry.putArtifact(repository, tag, artifact);
  return registry;
}

function client(
  origin: TestRegistry,
  mirrors: readonly (string | MirrorOptions)[],
  options: Partial<RegistryOptions> = {},
) {
  const registry = createRegistry({
    url: origin.url,
    retry: { delay: async () => {} },
    mirrors: mirrors.map((mirror) => (typeof mirror === 'string' ? { location: mirror } : mirror)),
    ...options,
  });
  const events: TransferEvent[] = [];
  return {
    registry,
    repository: registry.repository(name),
    events,
    used: () =>
      events.flatMap((event) => (event.type === 'mirror' ? [[event.host, event.used]] : [])),
    call: { onEvent: (event: TransferEvent) => void events.push(event) },
    [Symbol.asyncDispose]: () => registry.close(),
  };
}

const paths = ({ requests }: TestRegistry) =>
  requests.map(({ method, path }) => `${method} ${path}`);

test('manifests and blobs come from the first mirror that has them, and events say so', async () => {
  await using origin = await serving();
  await using empty = await startRegistry();
  await using full = await serving();
  await using here = client(origin, [empty.url, full.url]);
  const manifest = await here.repository.fetch(tag, here.call);
  expect(manifest.descriptor).toEqual(descriptor);
  await collect(await here.repository.fetchBlob(layer, here.call));
  expect(origin.requests).toEqual([]);
  expect(here.used()).toEqual([
    [empty.host, false],
    [full.host, true],
    [empty.host, false],
    [full.host, true],
  ]);
});

test('what no mirror has comes from the registry', async () => {
  await using origin = await serving();
  await using empty = await startRegistry();
  await using here = client(origin, [empty.url]);
  expect(await here.repository.resolve(tag)).toEqual(descriptor);
  expect(paths(origin)).toEqual([`HEAD /v2/kcl/demo/manifests/1.0.0`]);
});

test('what nobody has is told in the terms of the registry', async () => {
  await using origin = await startRegistry();
  await using mirror = await startRegistry();
  await using here = client(origin, [mirror.url]);
  await expect(here.repository.fetch(tag)).rejects.toMatchObject({
    code: expect.stringMatching(/UNKNOWN/),
    message: expect.stringContaining(origin.host),
  });
});

test('a mirror below a path, with a name for what it mirrors', async () => {
  await using origin = await startRegistry();
  await using mirror = await serving({}, 'hub/copies/kcl/demo');
  await using here = client(origin, [{ location: `${mirror.url}/hub/copies`, ns: true }]);
  await here.repository.fetchManifest(descriptor);
  const [request] = mirror.requests;
  expect(request?.path).toBe(`/v2/hub/copies/kcl/demo/manifests/${descriptor.digest}`);
  expect(request?.query.get('ns')).toBe(origin.host);
});

test.each([
  ['team', 'team/app', 'copies/app'],
  ['team/app', 'team/app', 'copies'],
  ['', 'team/app', 'copies/team/app'],
  ['team', 'teams/app', undefined],
  ['team/app', 'team', undefined],
])('a mirror for %j calls %s %s', (repositories, asked, called) => {
  const location = parseMirrorLocation({ location: 'mirror.example/copies', repositories });
  expect(nameAt(location, parseRepositoryName(asked))).toBe(called);
});

test.each([
  ['digest-only', ['GET', 'GET']],
  ['tag-only', ['HEAD']],
  ['all', ['HEAD', 'GET', 'GET']],
] as const)('a mirror for %s is asked %j', async (pullFrom, expected) => {
  await using origin = await serving();
  await using mirror = await serving();
  await using here = client(origin, [{ location: mirror.url, pullFrom }]);
  await here.repository.resolve(tag);
  await here.repository.fetchManifest(descriptor);
  await collect(await here.repository.fetchBlob(layer));
  expect(mirror.requests.map(({ method }) => method)).toEqual(expected);
  expect(origin.requests).toHaveLength(3 - expected.length);
});

test('nothing that writes, lists, or precedes writing goes to a mirror', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  await using here = client(origin, [mirror.url]);
  const bytes = randomBytes(7, 1000);
  const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
  await here.repository.hasBlob(blob);
  await here.repository.pushBlob(blob, inChunks(bytes, 100));
  const manifest = describeManifest(artifact.manifest.bytes, artifact.manifest.mediaType);
  await here.repository.pushManifest(manifest, { tag });
  for await (const found of here.repository.listTags()) expect(found).toBe(tag);
  for await (const referrer of here.repository.listReferrers(descriptor))
    expect(referrer).toBeUndefined();
  await here.repository.withoutMirrors().resolve(tag);
  expect(mirror.requests).toEqual([]);
});

test('a copy into a mirror takes the tag of the registry, not its own old one (skopeo#2002)', async () => {
  await using origin = await serving();
  await using mirror = await startRegistry();
  mirror.putArtifact(name, tag, kclPackage({ name: 'demo', version: '0.9.0' }));
  await using here = client(origin, [mirror.url]);
  await using target = client(mirror, []);
  await copy(
    { repository: here.repository, reference: tag },
    { repository: target.repository, tags: [tag] },
  );
  expect(await target.repository.resolve(tag)).toEqual(descriptor);
});

test('wrong content of a mirror is dropped, and the registry is asked', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  await using work = await temporaryDirectory();
  for (const { digest } of [descriptor, layer])
    mirror.corruptBlob(digest, (bytes) => Buffer.from(bytes).fill(0x20, 0, 5));
  await using here = client(origin, [mirror.url]);
  expect((await here.repository.fetchManifest(descriptor)).descriptor).toEqual(descriptor);
  await here.repository.downloadBlob(layer, join(work.path, 'layer'), here.call);
  expect(here.events).toContainEqual(expect.objectContaining({ type: 'warning' }));
  expect(paths(origin)).toHaveLength(2);
});

test('wrong content that was streamed is not given twice', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  mirror.corruptBlob(layer.digest, (bytes) => Buffer.from(bytes).fill(0x20, 0, 5));
  await using here = client(origin, [mirror.url]);
  const read = async () => collect(await here.repository.fetchBlob(layer));
  await expect(read()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(digestOf(await read())).toBe(layer.digest);
});

test('a connection of a mirror that breaks is gone on with elsewhere', async () => {
  const bytes = randomBytes(9, 300_000);
  await using origin = await startRegistry();
  await using mirror = await startRegistry();
  const blob = origin.putBlob(name, bytes);
  mirror.putBlob(name, bytes);
  mirror.fault({ path: '/blobs/', destroyAfterBytes: 100_000 });
  await using here = client(origin, [mirror.url]);
  expect(digestOf(await collect(await here.repository.fetchBlob(blob, here.call)))).toBe(
    blob.digest,
  );
  expect(origin.requests).toHaveLength(1);
  expect(origin.requests[0]?.headers.range).toBeDefined();
});

test('a mirror that is broken is left alone for a while', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  mirror.fault({ path: '/v2/', status: 503, times: 100 });
  await using here = client(origin, [mirror.url, 'http://127.0.0.1:1']);
  for (let i = 0; i < 3; i += 1) await here.repository.resolve(tag, here.call);
  expect(mirror.requests).toHaveLength(1);
  expect(here.used()).toEqual([
    [mirror.host, false],
    ['127.0.0.1:1', false],
  ]);
});

test('a mirror that asks to wait is not waited for', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  mirror.fault({ path: '/v2/', status: 429, headers: { 'retry-after': '30' } });
  await using here = client(origin, [mirror.url]);
  for (let i = 0; i < 3; i += 1) await here.repository.resolve(tag, here.call);
  expect(mirror.requests).toHaveLength(1);
  expect(here.events.filter(({ type }) => type === 'wait')).toEqual([]);
});

test('a mirror gets credentials and headers of its own, and the registry keeps its own (CVE-2026-33540)', async () => {
  const user = { username: 'tester', password: 'of the registry' };
  const other = { username: 'mirror', password: 'of the mirror' };
  await using origin = await serving({ auth: { basic: user } });
  await using mirror = await serving({ auth: { bearer: other } });
  const credentials = staticCredentials(origin.host, { kind: 'password', ...user });
  const headers = { 'x-registry': 'secret' };
  await using stranger = client(origin, [mirror.url], { credentials, headers });
  await stranger.repository.resolve(tag);
  expect(mirror.tokenRequests).toMatchObject([{ anonymous: true }]);
  for (const request of mirror.requests) {
    expect(request.headers).not.toHaveProperty('x-registry');
    expect(request.headers.authorization ?? '').not.toContain('Basic');
  }
  const own = staticCredentials(mirror.host, { kind: 'password', ...other });
  await using known = client(origin, [{ location: mirror.url, credentials: own }], { credentials });
  origin.clearRequests();
  await known.repository.resolve(tag);
  expect(origin.requests).toEqual([]);
});

test('a mirror is closed with its registry, and an abort is one', async () => {
  await using origin = await serving();
  await using mirror = await serving();
  await using here = client(origin, [mirror.url]);
  const signal = AbortSignal.abort();
  await expect(here.repository.resolve(tag, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
  expect([...mirror.requests, ...origin.requests]).toEqual([]);
});

test.each([
  'mirror.example/UPPER',
  'https://mirror.example/a//b',
  'ftp://mirror.example',
  '',
  '/x',
])('the location %j is refused', (location) => {
  const make = () => createRegistry({ url: 'https://registry.example', mirrors: [{ location }] });
  expect(make).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }));
});
