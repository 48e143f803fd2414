import { expect, test } from 'vitest';

import type { Exchange, RegistryRequest, RegistryResponse } from './exchange.js';
import { followRedirects } from './redirect.js';

const registry = 'https://8.8.8.5';

/** An exchange that redirects from path to path as it is told, and notes what was sent where. */
function network(redirects: Readonly<Record<string, string>>, status = 307) {
  const sent: RegistryRequest[] = [];
  const exchange: Exchange = async (request) => {
    sent.push(request);
    const location = redirects[request.url.href];
    return response(request.url, location === undefined ? 200 : status, location);
  };
  return { sent, follow: followRedirects(exchange) };
}

function response(url: URL, status: number, location: string | undefined): RegistryResponse {
  const body = {
    dump: async () => {},
    destroy: () => {},
    async *[Symbol.asyncIterator]() {
      yield* [];
    },
  };
  return { status, headers: { location }, body, url, attempts: 1 };
}

function get(url: string, change: Partial<RegistryRequest> = {}): RegistryRequest {
  const headers = {
    accept: 'application/json',
    range: 'bytes=0-1',
    authorization: 'Bearer secret',
    cookie: 'session=secret',
    'x-custom': 'secret',
  };
  return { method: 'GET', url: new URL(url), headers, scopes: [], ...change };
}

test('takes the headers along on the same origin', async () => {
  const { follow, sent } = network({ [`${registry}/a`]: '/b' });
  expect(await follow(get(`${registry}/a`))).toMatchObject({ url: new URL(`${registry}/b`) });
  expect(sent[1]?.headers).toEqual(get(registry).headers);
});

test.each([
  ['another host', 'https://8.8.8.6/b'],
  ['another port of the same host (GHSA-vh4v-2xq2-g5cg)', `${registry}:8443/b`],
])('leaves credentials and custom headers behind on the way to %s', async (_, elsewhere) => {
  const { follow, sent } = network({ [`${registry}/a`]: elsewhere });
  await follow(get(`${registry}/a`));
  expect(sent[1]?.headers).toEqual({ accept: 'application/json', range: 'bytes=0-1' });
  expect(sent[1]?.publicOnly).toBe(true);
});

test('does not add them again on the way back (CVE-2026-49349, ggcr #2349)', async () => {
  const { follow, sent } = network({
    [`${registry}/a`]: 'https://8.8.8.6/b',
    'https://8.8.8.6/b': `${registry}/c`,
  });
  await follow(get(`${registry}/a`));
  expect(sent.map(({ url }) => url.href)).toEqual([
    `${registry}/a`,
    'https://8.8.8.6/b',
    `${registry}/c`,
  ]);
  expect(sent[2]?.headers).not.toHaveProperty('authorization');
});

test.each([
  'http://8.8.8.5/b',
  'http://8.8.8.6/b',
  'ftp://8.8.8.6/b',
  'file:///etc/passwd',
  'https://127.0.0.1/b',
  'https://127.1/b',
  'https://2130706433/b',
  'https://0177.0.0.1/b',
  'https://0.0.0.0/b',
  'https://10.0.0.1/b',
  'https://172.16.0.1/b',
  'https://192.168.1.1/b',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/b',
  'https://[::1]/b',
  'https://[::]/b',
  'https://[::ffff:127.0.0.1]/b',
  'https://[fd00::1]/b',
  'https://[fe80::1]/b',
  'https://localhost/b',
  'https://LOCALHOST/b',
  'https://x.localhost/b',
])('does not follow a public registry to %s (ggcr #2295, GHSA-h7vf-4x9w-h99v)', async (to) => {
  const { follow, sent } = network({ [`${registry}/a`]: to });
  await expect(follow(get(`${registry}/a`))).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    hint: expect.any(String),
  });
  expect(sent).toHaveLength(1);
});

test('follows an internal registry to an internal host', async () => {
  const { follow } = network({ 'http://127.0.0.1:5000/a': 'http://10.0.0.7/b' });
  expect(await follow(get('http://127.0.0.1:5000/a'))).toMatchObject({ status: 200 });
});

test('follows ten redirects and no more', async () => {
  const chain = (length: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length }, (_, i) => [`${registry}/${i}`, `/${i + 1}`]));
  expect(await network(chain(10)).follow(get(`${registry}/0`))).toMatchObject({ status: 200 });
  const circle = network({ [`${registry}/0`]: '/0' });
  await expect(circle.follow(get(`${registry}/0`))).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(circle.sent).toHaveLength(11);
});

test.each([301, 302, 303])('does not repeat a PUT after %i', async (status) => {
  const { follow } = network({ [`${registry}/a`]: '/b' }, status);
  const put = get(`${registry}/a`, { method: 'PUT', body: Buffer.from('bytes') });
  await expect(follow(put)).rejects.toMatchObject({ code: 'PROTOCOL' });
});

test('repeats a PUT of bytes after 307, but not of a stream that is gone', async () => {
  const { follow, sent } = network({ [`${registry}/a`]: '/b' });
  await follow(get(`${registry}/a`, { method: 'PUT', body: Buffer.from('bytes') }));
  expect(sent.map(({ method }) => method)).toEqual(['PUT', 'PUT']);
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('once');
  }
  const streaming = follow(get(`${registry}/a`, { method: 'PUT', body: stream() }));
  await expect(streaming).rejects.toMatchObject({ code: 'PROTOCOL' });
});

test('an identity token in a body is sent on to nobody else (GHSA-xf85-363p-868w)', async () => {
  const { follow, sent } = network({ [`${registry}/token`]: 'https://8.8.8.6/token' });
  const body = Buffer.from('refresh_token=secret');
  const post = get(`${registry}/token`, { method: 'POST', lane: 'token', body });
  await expect(follow(post)).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(sent).toHaveLength(1);
});

test('refuses a Location that is no URL, and passes a 304 on', async () => {
  const broken = network({ [`${registry}/a`]: 'https://' });
  await expect(broken.follow(get(`${registry}/a`))).rejects.toMatchObject({ code: 'PROTOCOL' });
  const unchanged = network({ [`${registry}/a`]: '/b' }, 304);
  expect(await unchanged.follow(get(`${registry}/a`))).toMatchObject({ status: 304 });
});

test('a public host leads nobody inside, also one that an internal registry led to', async () => {
  const { follow, sent } = network({
    'http://127.0.0.1/a': 'https://8.8.8.6/b',
    'https://8.8.8.6/b': 'https://cdn.example/c',
  });
  await follow(get('http://127.0.0.1/a'));
  expect(sent.map(({ publicOnly }) => publicOnly)).toEqual([undefined, false, true]);
  const token = network({ [`${registry}/token`]: 'https://cdn.example/token' });
  await token.follow(get(`${registry}/token`, { publicOnly: false }));
  expect(token.sent[1]?.publicOnly).toBe(true);
});
