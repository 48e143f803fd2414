import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { temporaryDirectory } from '../temporary-directory.js';
import { peer } from './peer.js';
import { startProgram } from './running-program.js';

/** An S3 service over a temporary directory. */
export interface Versitygw {
  /** `http://127.0.0.1:<port>`; buckets are named in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes a bucket of a name that no other test has. */
  createBucket(): Promise<string>;
  /** Ends the service, whose buckets stay. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

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
