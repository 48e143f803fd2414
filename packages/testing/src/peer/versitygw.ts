import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '../temporary-directory.js';
import { freePort } from './free-port.js';
import { peer } from './peer.js';
import { startProgram } from './running-program.js';
import { type S3Service, answers } from './s3-service.js';

/** An S3 service over a temporary directory. */
export type Versitygw = S3Service;

let buckets = 0;

/** Starts versitygw, which `describePeer('versitygw', …)` has found. */
export async function startVersitygw(): Promise<Versitygw> {
  const directory = await temporaryDirectory('oci-s3-');
  const data = join(directory.path, 'data');
  await mkdir(data);
  const port = await freePort();
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'secretsecret' };
  const { accessKeyId: ROOT_ACCESS_KEY, secretAccessKey: ROOT_SECRET_KEY } = credentials;
  const gateway = startProgram(
    peer('versitygw') ?? '',
    ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data],
    { env: { ...process.env, ROOT_ACCESS_KEY, ROOT_SECRET_KEY } },
  );
  const endpoint = `http://127.0.0.1:${port}`;
  await answers(endpoint);
  let ended: Promise<unknown> | undefined;
  const stop = async (): Promise<void> => {
    if (!ended) gateway.kill();
    ended ??= gateway.end;
    await ended;
  };
  return {
    endpoint,
    region: 'us-east-1',
    credentials,
    async createBucket() {
      // A directory is a bucket.
      const bucket = `bucket-${(buckets += 1)}`;
      await mkdir(join(data, bucket));
      return bucket;
    },
    stop,
    async close() {
      await stop();
      await directory.remove();
    },
  };
}
