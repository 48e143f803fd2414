import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough } from 'node:stream';

import {
  type FaultyProxy,
  type ProxyFault,
  type S3Service,
  collect,
  inChunks,
  randomBytes,
  startFaultyProxy,
  startVersitygw,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import { readInTime } from './deadlines.js';
import { S3ObjectStore } from './s3-object-store.js';

/** Nothing but requests that are never answered is sent under these. */
const short = { connectMs: 5000, answerMs: 100, contentMs: 150 };
const failure = { code: 'STORAGE_FAILED', retryable: true };
const bytes = randomBytes(1, 100_000);
const body = () => inChunks(bytes, 10_000);
const mebibyte = 1024 * 1024;

describePeer('versitygw', 'a bucket that does not answer', () => {
  let gateway: S3Service;
  let proxy: FaultyProxy;
  let store: S3ObjectStore;
  beforeAll(async () => {
    gateway = await startVersitygw();
    proxy = await startFaultyProxy(gateway.endpoint);
    const { region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const storeAt = (endpoint: string, deadlines?: typeof short): S3ObjectStore => {
      const connection = { endpoint, region, credentials, pathStyle: true, deadlines };
      return new S3ObjectStore({ bucket, connection });
    };
    const direct = storeAt(gateway.endpoint);
    await direct.put('a', body());
    direct.close();
    store = storeAt(proxy.endpoint, short);
  });
  afterAll(async () => {
    store.close();
    await proxy.close();
    await gateway.close();
  });

  async function requestsOf(fault: ProxyFault, work: () => Promise<unknown>): Promise<number> {
    proxy.breakBy(() => fault);
    const before = proxy.requests.length;
    await expect(work()).rejects.toMatchObject(failure);
    return proxy.requests.length - before;
  }

  const condition = { ifAbsent: true } as const;
  const operations: Readonly<Record<string, () => Promise<unknown>>> = {
    head: () => store.head('a'),
    get: () => store.get('a'),
    put: () => store.put('b', body()),
    'put in parts': () => store.put('b', inChunks(new Uint8Array(9 * mebibyte), mebibyte)),
    list: () => store.list('').next(),
    delete: () => store.delete('a'),
    'the time of the service': () => store.serviceTime(),
  };

  test.each(Object.entries(operations))('fails %s after three requests', async (_, work) => {
    expect(await requestsOf('silent', work)).toBe(3);
  });

  test('fails a put under a condition after one request, as it is not known what it did', async () => {
    expect(await requestsOf('silent', () => store.put('b', body(), { condition }))).toBe(1);
  });

  test('fails a list, and a refusal, that stop in the middle after three requests', async () => {
    expect(await requestsOf('answer stops', () => store.list('').next())).toBe(3);
    expect(await requestsOf('answer stops', () => store.get('none'))).toBe(3);
  });

  test('breaks content off that stops in the middle', async () => {
    const read = async () => collect((await store.get('a'))?.body ?? []);
    expect(await requestsOf('answer stops', read)).toBe(1);
  });

  test('fails a connection that gets no further than TLS', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { region, credentials } = gateway;
    const { port } = silent.address() as AddressInfo;
    const endpoint = `https://127.0.0.1:${port}`;
    const connection = { endpoint, region, credentials, pathStyle: true, deadlines: short };
    const secure = new S3ObjectStore({ bucket: 'any', connection });
    await expect(secure.head('a')).rejects.toMatchObject(failure);
    secure.close();
    silent.close();
  });
});

describe('content that is read', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is waited for, however long its reader takes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const stream = new PassThrough();
    const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const next = () => readInTime(stream, chunks, 1000);
    stream.write('one');
    expect((await next()).value).toEqual(Buffer.from('one'));
    vi.advanceTimersByTime(60 * 60_000);
    const second = next();
    vi.advanceTimersByTime(999);
    stream.write('two');
    expect((await second).value).toEqual(Buffer.from('two'));
    const third = next();
    vi.advanceTimersByTime(1000);
    await expect(third).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(stream.destroyed).toBe(true);
  });
});
