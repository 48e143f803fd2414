import { join } from 'node:path';

import { mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type S3Service,
  type TemporaryDirectory,
  bytesOf,
  randomBytes,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { S3StorageOptions } from '../src/hosted/storage.js';
import { type RunningServer, startServer } from '../src/server.js';

/** Starts a server that keeps its repositories in a bucket, and all else below a directory. */
export function startOnBucket(
  directory: string,
  { endpoint, region, credentials }: Pick<S3Service, 'endpoint' | 'region' | 'credentials'>,
  storage: Partial<S3StorageOptions> & { readonly bucket: string },
): Promise<RunningServer> {
  return startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory, 'registry'),
    storage: { kind: 's3', endpoint, region, credentials, pathStyle: true, ...storage },
    manager: { namespace: 'extensions', cacheDir: join(directory, 'cache') },
    logLevel: 'silent',
  });
}

/** What servers of one bucket do, of any service. @param service runs before the first test does */
export function bucketServersSuite(service: () => S3Service): void {
  let work: TemporaryDirectory;
  let servers = 0;
  beforeAll(async () => {
    work = await temporaryDirectory();
  });
  afterAll(() => work.remove());

  function start(bucket: string, change: Partial<S3StorageOptions> = {}): Promise<RunningServer> {
    const directory = join(work.path, String((servers += 1)));
    return startOnBucket(directory, service(), { bucket, ...change });
  }

  test('serve what was pushed to another, and go on with its uploads', async () => {
    const bucket = await service().createBucket();
    const change = { prefix: 'team/registry' };
    const [one, other] = await Promise.all([start(bucket, change), start(bucket, change)]);
    const content = randomBytes(7, 11 * 1024 * 1024);
    const digest = digestOf(content);
    const begun = await fetch(`${one.url}/v2/a/blobs/uploads/`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    const send = (url: string, method: string, body: Uint8Array, query = '') =>
      fetch(`${url}${location}${query}`, { method, body: Buffer.from(body) });
    expect((await send(one.url, 'PATCH', content.subarray(0, 6_000_000))).status).toBe(202);
    expect((await send(other.url, 'PATCH', content.subarray(6_000_000))).status).toBe(202);
    expect((await send(one.url, 'PUT', bytesOf(''), `?digest=${digest}`)).status).toBe(201);
    const layer = { mediaType: 'a/b', digest, size: content.byteLength };
    const { imageManifest: mediaType } = mediaTypes;
    const manifest = { schemaVersion: 2, mediaType, config: layer, layers: [] };
    const pushed = await fetch(`${other.url}/v2/a/manifests/1`, {
      method: 'PUT',
      body: JSON.stringify(manifest),
      headers: { 'content-type': mediaType },
    });
    expect(pushed.status).toBe(201);
    expect(await (await fetch(`${one.url}/v2/a/manifests/1`)).json()).toEqual(manifest);
    const pulled = await fetch(`${other.url}/v2/a/blobs/${digest}`);
    expect(digestOf(new Uint8Array(await pulled.arrayBuffer()))).toBe(digest);
    const range = { headers: { range: 'bytes=5999999-6000000' } };
    const part = await fetch(`${one.url}/v2/a/blobs/${digest}`, range);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(
      Buffer.from(content.subarray(5_999_999, 6_000_001)),
    );
    await Promise.all([one.close(), other.close()]);
  });

  test('do not start without the bucket, and say why', async () => {
    await expect(start('no-such-bucket')).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      hint: 'Create the bucket, or correct its name.',
    });
    const credentials = { ...service().credentials, secretAccessKey: 'wrong' };
    await expect(start(await service().createBucket(), { credentials })).rejects.toMatchObject({
      code: 'STORAGE_DENIED',
      hint: 'The secret key is wrong: check the credentials.',
    });
  });
}
