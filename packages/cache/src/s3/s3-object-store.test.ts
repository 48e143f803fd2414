import { ListMultipartUploadsCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '@oci/spec-types/node';
import {
  type S3Service,
  collect,
  inChunks,
  radosgwPrograms,
  randomBytes,
  startRadosgw,
  startVersitygw,
} from '@oci/testing';
import { describePeer, objectStoreContract } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type S3ConnectionOptions, connect } from './s3-connection.js';
import { S3ObjectStore } from './s3-object-store.js';

describePeer('versitygw', 'a bucket of versitygw', () => bucketSuite(startVersitygw));
describePeer(radosgwPrograms, "a bucket of Ceph's radosgw", () => bucketSuite(startRadosgw));

function bucketSuite(start: () => Promise<S3Service>): void {
  let gateway: S3Service;
  let client: S3Client;

  function connection(change: Partial<S3ConnectionOptions> = {}): S3ConnectionOptions {
    const { endpoint, region, credentials } = gateway;
    return { endpoint, region, credentials, pathStyle: true, ...change };
  }

  beforeAll(async () => {
    gateway = await start();
    ({ client } = connect(connection()));
  }, 240_000);
  afterAll(async () => {
    client.destroy();
    await gateway.close();
  });

  async function emptyStore(): Promise<{ store: S3ObjectStore; bucket: string }> {
    const bucket = await gateway.createBucket();
    return {
      bucket,
      store: new S3ObjectStore({ connection: connection(), bucket, prefix: 'registry' }),
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

  test('lists nothing that is no key of its own', async () => {
    const { store, bucket } = await emptyStore();
    await store.put('a/b', inChunks(randomBytes(4, 10)));
    for (const name of ['a/with space', 'a/.b.sgwtmp.1795980063138655931', 'a/ü'])
      await client.send(
        new PutObjectCommand({ Bucket: bucket, Key: `registry/${name}`, Body: 'other' }),
      );
    const listed: string[] = [];
    for await (const key of store.list('')) listed.push(key);
    expect(listed).toEqual(['a/b']);
  });

  test('says what a bucket refuses', async () => {
    const bucket = await gateway.createBucket();
    const condition = { ifAbsent: true } as const;
    for (const options of [{}, { condition }]) {
      const put = (connection: S3ConnectionOptions, bucket: string) =>
        new S3ObjectStore({ connection, bucket }).put('a', inChunks(randomBytes(4, 10)), options);
      const credentials = { ...gateway.credentials, secretAccessKey: 'wrong' };
      await expect(put(connection({ credentials }), bucket)).rejects.toMatchObject({
        code: 'STORAGE_DENIED',
        hint: 'The secret key is wrong: check the credentials.',
      });
      await expect(put(connection(), 'no-such-bucket')).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        hint: 'Create the bucket, or correct its name.',
        retryable: false,
      });
      const nowhere = connection({ endpoint: 'http://127.0.0.1:1' });
      await expect(put(nowhere, bucket)).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        retryable: true,
      });
    }
  });
}
