import { gunzipSync } from 'node:zlib';

import { digestOf } from '@oci/spec-types/node';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { bytesOf, randomBytes, textOf } from '../bytes.js';
import type { Fault } from './fault.js';
import { type TestRegistry, startRegistry } from './test-registry.js';

const blob = randomBytes(1, 200_000);
const path = `/v2/team/app/blobs/${digestOf(blob)}`;
let registry: TestRegistry;

beforeEach(async () => {
  registry = await startRegistry();
  registry.putBlob('team/app', blob);
});
afterEach(async () => registry.close());

const ask = (init?: RequestInit, target = path): Promise<Response> =>
  fetch(`${registry.url}${target}`, init);

/** The status and what came of the body before it ended or broke. */
async function receive(
  init?: RequestInit,
): Promise<{ status: number; size: number; broken: boolean }> {
  const response = await ask(init);
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) size += (chunk as Uint8Array).byteLength;
    return { status: response.status, size, broken: false };
  } catch {
    return { status: response.status, size, broken: true };
  }
}

const withFault = (fault: Omit<Fault, 'path'>): (() => void) =>
  registry.fault({ path: '/blobs/', ...fault });

describe('which requests a fault applies to', () => {
  test('the first that match, and no more than `times`', async () => {
    withFault({ method: 'GET', status: 503, times: 2 });
    expect((await ask({ method: 'HEAD' })).status).toBe(200);
    const statuses = [await receive(), await receive(), await receive()].map(
      ({ status }) => status,
    );
    expect(statuses).toEqual([503, 503, 200]);
  });

  test('one rule after another, those behind `skip`, and none that was taken back', async () => {
    withFault({ status: 503, times: 1 });
    withFault({ status: 429, skip: 1 });
    const takeBack = withFault({ status: 500 });
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await receive()).status);
    expect(statuses).toEqual([503, 500, 429]);
    takeBack();
  });

  test('an expression sees the query, a text the path only', async () => {
    registry.fault({ path: /\?n=1$/g, status: 418 });
    registry.fault({ path: 'n=1', status: 500 });
    expect((await ask({}, '/v2/team/app/tags/list?n=1')).status).toBe(418);
    expect((await ask({}, '/v2/team/app/tags/list?n=1')).status).toBe(418);
    expect((await ask({}, '/v2/team/app/tags/list?n=2')).status).toBe(200);
  });
});

describe('answers', () => {
  test('of any status, headers and body', async () => {
    withFault({ status: 429, headers: { 'Retry-After': '3' }, body: { errors: [] } });
    const response = await ask();
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
      429,
      '3',
      { errors: [] },
    ]);
  });

  test('that redirect, by a text or a function', async () => {
    withFault({ redirect: 'http://elsewhere.example/x', times: 1 });
    withFault({ redirect: (target) => `${target}?moved`, status: 301 });
    const moves = [await ask({ redirect: 'manual' }), await ask({ redirect: 'manual' })];
    expect(moves.map(({ status, headers }) => [status, headers.get('location')])).toEqual([
      [307, 'http://elsewhere.example/x'],
      [301, `${path}?moved`],
    ]);
  });

  test('without headers, or with others', async () => {
    withFault({
      omitHeaders: ['Docker-Content-Digest', 'content-length', 'date'],
      headers: { ETag: 'x' },
    });
    const response = await ask();
    expect(Object.keys(Object.fromEntries(response.headers))).not.toEqual(
      expect.arrayContaining(['docker-content-digest']),
    );
    expect([response.headers.get('etag'), response.headers.get('content-length')]).toEqual([
      'x',
      null,
    ]);
    expect((await response.arrayBuffer()).byteLength).toBe(blob.byteLength);
  });

  test('with other bytes, or compressed', async () => {
    withFault({ bodyTransform: (bytes) => bytes.fill(7), times: 1 });
    expect(new Uint8Array(await (await ask()).arrayBuffer())).toEqual(
      new Uint8Array(blob.byteLength).fill(7),
    );
    withFault({ gzip: true, headers: { 'x-coding': 'gzip' }, omitHeaders: ['content-encoding'] });
    const packed = await (await ask()).arrayBuffer();
    expect(new Uint8Array(gunzipSync(packed))).toEqual(blob);
    expect(digestOf(blob)).toBe(path.split('/').at(-1));
  });

  test('that ignore a range, or tell another one', async () => {
    const headers = { range: 'bytes=10-19' };
    withFault({ ignoreRange: true, times: 1 });
    expect(await receive({ headers })).toEqual({
      status: 200,
      size: blob.byteLength,
      broken: false,
    });
    withFault({ contentRange: 'bytes 0-9/10' });
    expect((await ask({ headers })).headers.get('content-range')).toBe('bytes 0-9/10');
  });

  test('of content that was altered in the store', async () => {
    registry.corruptBlob(digestOf(blob), (bytes) => bytes.subarray(0, 10));
    expect(await receive()).toEqual({ status: 200, size: 10, broken: false });
  });
});

describe('broken connections', () => {
  test('before the headers', async () => {
    withFault({ destroyBeforeHeaders: true });
    await expect(ask()).rejects.toThrow('fetch failed');
    expect(registry.requests).toMatchObject([{ path, status: undefined, bytesSent: 0 }]);
  });

  test('by a reset', async () => {
    withFault({ destroyBeforeHeaders: true, reset: true });
    await expect(ask()).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
  });

  test.each([
    [{ destroyAfterBytes: 1000 }, 1000, true],
    [{ destroyAfterBytes: 0 }, 0, true],
    [{ truncate: 1000 }, 1000, true],
    [{ truncate: 1000, omitHeaders: ['content-length'] }, 1000, false],
    [{ contentLength: 300_000 }, 200_000, true],
    [{ contentLength: 1000 }, 1000, false],
  ])('%j gives %d bytes', async (fault, size, broken) => {
    withFault(fault);
    expect(await receive()).toEqual({ status: 200, size, broken });
  });

  test('while a body is sent, of which the registry keeps what came', async () => {
    const begun = await ask({ method: 'POST' }, '/v2/team/app/blobs/uploads/');
    const location = begun.headers.get('location') ?? '';
    registry.fault({
      method: 'PATCH',
      path: '/uploads/',
      destroyAfterRequestBytes: 70_000,
      times: 1,
    });
    await expect(ask({ method: 'PATCH', body: blob }, location)).rejects.toThrow('fetch failed');
    expect((await ask({}, location)).headers.get('range')).toBe('0-69999');
  });

  test('when all was done but the answer', async () => {
    const target = `/v2/team/app/blobs/uploads/?digest=${digestOf(bytesOf('x'))}`;
    registry.fault({ path: '/uploads/', destroyBeforeHeaders: true, handled: true });
    await expect(ask({ method: 'POST', body: 'x' }, target)).rejects.toThrow('fetch failed');
    expect(registry.repositories.get('team/app')?.blobs.has(digestOf(bytesOf('x')))).toBe(true);
  });
});

test('an answer may come before the body of the request was read', async () => {
  registry.fault({ method: 'POST', path: '/uploads/', status: 401, early: true });
  const response = await ask({ method: 'POST', body: 'hello' }, '/v2/team/app/blobs/uploads/');
  expect(response.status).toBe(401);
  expect(registry.requests[0]?.body.byteLength).toBe(0);
});

describe('answers that take long', () => {
  test('wait for a promise, before the headers or in the body', async () => {
    let goOn: () => void = () => {};
    const until = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    withFault({ delayUntil: until, times: 1 });
    const arrived = registry.nextRequest({ path: '/blobs/' });
    const answer = receive();
    expect((await arrived).status).toBeUndefined();
    goOn();
    expect((await answer).size).toBe(blob.byteLength);

    let finish: () => void = () => {};
    const rest = new Promise<void>((resolve) => {
      finish = resolve;
    });
    withFault({ pause: { afterBytes: 100, until: rest } });
    const reader = (await ask()).body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBe(100);
    finish();
    expect((await reader?.read())?.done).toBe(false);
    await reader?.cancel();
  });

  test('never end, for as long as they are read', async () => {
    withFault({ endless: true });
    const response = await ask();
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += (chunk as Uint8Array).byteLength;
      if (size > 5_000_000) break;
    }
    expect(size).toBeGreaterThan(5_000_000);
  });

  test('do not keep a registry from closing', async () => {
    withFault({ delayUntil: new Promise(() => {}) });
    const arrived = registry.nextRequest({ path: '/blobs/' });
    const answer = ask();
    await arrived;
    await Promise.all([registry.close(), expect(answer).rejects.toThrow('fetch failed')]);
  });
});

test('every request is recorded with what became of it', async () => {
  await receive({ headers: { range: 'bytes=0-9', 'x-mark': '1' } });
  await (
    await ask({ method: 'POST', body: 'hello' }, '/v2/team/app/blobs/uploads/?digest=x')
  ).text();
  expect(registry.requests).toMatchObject([
    { method: 'GET', path, status: 206, bytesSent: 10, headers: { 'x-mark': '1' } },
    { method: 'POST', path: '/v2/team/app/blobs/uploads/', status: 400 },
  ]);
  const [, post] = registry.requests;
  expect([post?.query.get('digest'), textOf(post?.body ?? new Uint8Array())]).toEqual([
    'x',
    'hello',
  ]);
  registry.clearRequests();
  expect(registry.requests).toEqual([]);
});
