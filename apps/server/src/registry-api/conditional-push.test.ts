import { mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import type { ServerOptions } from '../server-options.js';
import { startServer } from '../server.js';

const config = bytesOf('{}');

async function start(change: Partial<ServerOptions> = {}) {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    ...change,
  });
  const ask = (path: string, options: RequestInit = {}) =>
    fetch(`${server.url}/v2/a/${path}`, options);
  await ask(`blobs/uploads/?digest=${digestOf(config)}`, { method: 'POST', body: config });
  const put = async (tag: string, manifest: string, headers: Record<string, string> = {}) => {
    const answer = await ask(`manifests/${tag}`, {
      method: 'PUT',
      body: manifest,
      headers: { 'content-type': mediaTypes.imageManifest, ...headers },
    });
    return answer.status;
  };
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  return { ask, put, [Symbol.asyncDispose]: close };
}

function manifest(note: string, layers: readonly object[] = []): string {
  const descriptor = { mediaType: 'a/b', digest: digestOf(config), size: config.byteLength };
  const type = { schemaVersion: 2, mediaType: mediaTypes.imageManifest };
  return JSON.stringify({ ...type, config: descriptor, layers, annotations: { note } });
}

const etagOf = (text: string) => `"${digestOf(bytesOf(text))}"`;
const [one, two] = [manifest('one'), manifest('two')];

test('a tag is moved only from the state that its pusher has seen', async () => {
  await using api = await start();
  expect(await api.put('1', one, { 'if-match': '*' })).toBe(412);
  expect(await api.put('1', one, { 'if-none-match': '*' })).toBe(201);
  expect(await api.put('1', two, { 'if-none-match': '*' })).toBe(412);
  expect(await api.put('1', two, { 'if-match': etagOf(two) })).toBe(412);
  expect((await api.ask('manifests/1')).headers.get('etag')).toBe(etagOf(one));
  expect((await api.ask(`manifests/${digestOf(bytesOf(two))}`)).status).toBe(404);
  expect(await api.put('1', two, { 'if-match': etagOf(one) })).toBe(201);
});

test('of many pushes that make one tag, one does', async () => {
  await using api = await start();
  const pushes = Array.from({ length: 12 }, (_, at) =>
    api.put('1', manifest(String(at)), { 'if-none-match': '*' }),
  );
  const statuses = await Promise.all(pushes);
  expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  expect(statuses.filter((status) => status === 412)).toHaveLength(11);
});

test('of many pushes that move one tag from one state, one does', async () => {
  await using api = await start();
  await api.put('1', one);
  const pushes = Array.from({ length: 12 }, (_, at) =>
    api.put('1', manifest(String(at)), { 'if-match': etagOf(one) }),
  );
  expect((await Promise.all(pushes)).filter((status) => status === 201)).toHaveLength(1);
});

test('a tag, a manifest and a blob are deleted only in the state that was seen', async () => {
  await using api = await start();
  await api.put('1', one);
  for (const path of ['manifests/1', `manifests/${digestOf(bytesOf(one))}`]) {
    const stale = { method: 'DELETE', headers: { 'if-match': etagOf(two) } };
    expect((await api.ask(path, stale)).status).toBe(412);
    expect((await api.ask(path)).status).toBe(200);
    await api.ask(path, { method: 'DELETE', headers: { 'if-match': etagOf(one) } });
    expect((await api.ask(path)).status).toBe(404);
    await api.put('1', one);
  }
  const blob = `blobs/${digestOf(config)}`;
  const stale = { method: 'DELETE', headers: { 'if-match': '"x"' } };
  expect((await api.ask(blob, stale)).status).toBe(412);
  expect((await api.ask(blob)).status).toBe(200);
});

test('a reader that has the content gets a 304 without a body, for manifest and blob', async () => {
  await using api = await start();
  await api.put('1', one);
  const etags = { 'manifests/1': etagOf(one), [`blobs/${digestOf(config)}`]: etagOf('{}') };
  for (const [path, etag] of Object.entries(etags)) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await api.ask(path, { method, headers: { 'if-none-match': etag } });
      expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([
        304,
        etag,
        '',
      ]);
      expect(answer.headers.get('cache-control')).toMatch(/no-cache|immutable/);
    }
    expect((await api.ask(path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
    expect((await api.ask(path, { headers: { 'if-match': '"x"' } })).status).toBe(412);
  }
});

test('a part is sent only of the content that the reader has parts of', async () => {
  await using api = await start();
  const content = randomBytes(91, 1000);
  const digest = digestOf(content);
  await api.ask(`blobs/uploads/?digest=${digest}`, { method: 'POST', body: content });
  const status = async (ifRange: string) => {
    const headers = { range: 'bytes=0-9', 'if-range': ifRange };
    return (await api.ask(`blobs/${digest}`, { headers })).status;
  };
  expect(await status(`"${digest}"`)).toBe(206);
  expect(await status('"x"')).toBe(200);
});

test.each([
  [false, 404],
  [true, 201],
])(
  'with sparse manifests %j, one without its layer is answered with %i',
  async (sparse, status) => {
    await using api = await start({ sparseManifests: sparse });
    const missing = { mediaType: 'a/b', digest: digestOf(bytesOf('missing')), size: 7 };
    expect(await api.put('1', manifest('sparse', [missing]))).toBe(status);
    expect((await api.ask(`blobs/${missing.digest}`)).status).toBe(404);
  },
);
