import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
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

import { type S3ConnectionOptions, connect } from './s3-connection.js';
import { S3ObjectStore } from './s3-object-store.js';

describePeer('versitygw', 'a bucket', () => {
  let directory: TemporaryDirectory;
  let gateway: RunningProgram;
  let client: S3Client;
  let endpoint: string;
  const secret = 'secretsecret';
  let buckets = 0;

  function connection(secretAccessKey: string): S3ConnectionOptions {
    const credentials = { accessKeyId: 'tester', secretAccessKey };
    return { endpoint, region: 'us-east-1', pathStyle: true, credentials };
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
    client = connect(connection(secret)).client;
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
    return {
      bucket,
      store: new S3ObjectStore({ connection: connection(secret), bucket, prefix: 'registry' }),
    };
  }

  objectStoreContract('a bucket', async () => ({
    store: (await emptyStore()).store,
    close: async () => {},
  }));

  test('keeps an object of several parts', async () => {
    const { store } = await emptyStore();
    const bytes = randomBytes(1, 18 * 1024 * 1024);
    const put = await store.put('large', inChunks(bytes, 1_000_003));
    expect(put?.size).toBe(bytes.byteLength);
    const condition = { ifAbsent: true } as const;
    const conditional = store.put('large', inChunks(bytes, 1_000_003), { condition });
    await expect(conditional).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
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
    const condition = { ifAbsent: true } as const;
    for (const options of [{}, { condition }]) {
      const put = (connection: S3ConnectionOptions, bucket: string) =>
        new S3ObjectStore({ connection, bucket }).put('a', inChunks(randomBytes(4, 10)), options);
      await expect(put(connection('wrong'), 'bucket-1')).rejects.toMatchObject({
        code: 'STORAGE_DENIED',
        hint: 'The secret key is wrong: check the credentials.',
      });
      await expect(put(connection(secret), 'no-such-bucket')).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        hint: 'Create the bucket, or correct its name.',
        retryable: false,
      });
      const nowhere = { ...connection(secret), endpoint: 'http://127.0.0.1:1' };
      await expect(put(nowhere, 'bucket-1')).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        retryable: true,
      });
    }
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
