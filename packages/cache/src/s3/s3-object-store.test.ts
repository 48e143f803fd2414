import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '@oci/spec-types/node';
import {
  type RunningProgram,
  type TemporaryDirectory,
  collect,
  inChunks,
  peer,
  randomBytes,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer, objectStoreContract } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { S3ObjectStore } from './s3-object-store.js';

describePeer('versitygw', 'a bucket', () => {
  let directory: TemporaryDirectory;
  let gateway: RunningProgram;
  let client: S3Client;
  let endpoint: string;
  const secret = 'secretsecret';
  let buckets = 0;

  function clientWith(endpoint: string, secretAccessKey: string): S3Client {
    return new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'tester', secretAccessKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  }

  beforeAll(async () => {
    directory = await temporaryDirectory('oci-s3-');
    await mkdir(join(directory.path, 'data'));
    const port = await freePort();
    gateway = startProgram(
      peer('versitygw') ?? '',
      ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', join(directory.path, 'data')],
      { env: { ...process.env, ROOT_ACCESS_KEY: 'tester', ROOT_SECRET_KEY: secret } },
    );
    endpoint = `http://127.0.0.1:${port}`;
    client = clientWith(endpoint, secret);
    await answers(endpoint);
  });
  afterAll(async () => {
    client.destroy();
    gateway.kill();
    await gateway.end;
    await directory.remove();
  });

  async function emptyStore(): Promise<{ store: S3ObjectStore; bucket: string }> {
    const bucket = `bucket-${(buckets += 1)}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    return { bucket, store: new S3ObjectStore({ client, bucket, prefix: 'registry' }) };
  }

  objectStoreContract('a bucket', async () => ({
    store: (await emptyStore()).store,
    close: async () => {},
  }));

  test('keeps an object of several parts, under conditions too', async () => {
    const { store } = await emptyStore();
    const bytes = randomBytes(1, 18 * 1024 * 1024);
    const put = await store.put('large', inChunks(bytes, 1_000_003));
    expect(put?.size).toBe(bytes.byteLength);
    const condition = { ifAbsent: true } as const;
    expect(await store.put('large', inChunks(bytes, 1_000_003), { condition })).toBeUndefined();
    const object = await store.get('large');
    expect(digestOf(await collect(object?.body ?? []))).toBe(digestOf(bytes));
  });

  test('leaves no parts of an object whose body fails', async () => {
    const { store, bucket } = await emptyStore();
    async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      yield randomBytes(2, 9 * 1024 * 1024);
      throw new Error('the source broke');
    }
    await expect(store.put('large', failing())).rejects.toThrow('the source broke');
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads).toEqual([]);
    expect(await store.head('large')).toBeUndefined();
  });

  test('joins large objects inside the bucket', async () => {
    const { store } = await emptyStore();
    const bytes = randomBytes(3, 12 * 1024 * 1024);
    await store.put('parts/1', inChunks(bytes.subarray(0, 6 * 1024 * 1024), 65_536));
    await store.put('parts/2', inChunks(bytes.subarray(6 * 1024 * 1024), 65_536));
    await store.join(['parts/1', 'parts/2'], 'whole');
    const object = await store.get('whole');
    expect(digestOf(await collect(object?.body ?? []))).toBe(digestOf(bytes));
    expect(await store.head('parts/1')).toBeUndefined();
  });

  test('says what a bucket refuses', async () => {
    const bad = clientWith(endpoint, 'wrong');
    const store = new S3ObjectStore({ client: bad, bucket: 'bucket-1' });
    await expect(store.put('a', inChunks(randomBytes(4, 10)))).rejects.toMatchObject({
      code: 'STORAGE_DENIED',
    });
    const nowhere = new S3ObjectStore({ client, bucket: 'no-such-bucket' });
    await expect(nowhere.put('a', inChunks(randomBytes(4, 10)))).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
    });
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address === 'string' || !address) throw new Error('no port');
  return address.port;
}

async function answers(url: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    if (attempt > 500) throw new Error('versitygw does not answer');
    await sleep(20);
  }
}
