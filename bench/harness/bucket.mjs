import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { listeningPort } from './listening-port.mjs';
import { findPeer } from './peers.mjs';

/**
 * A bucket of an S3 service that runs.
 *
 * @typedef {object} Bucket
 * @property {string} endpoint
 * @property {string} region
 * @property {string} name
 * @property {string} accessKey
 * @property {string} secretKey
 * @property {number} pid of the service
 */

const accessKey = 'bench';
const secretKey = 'benchbench';

/**
 * Starts versitygw over a directory, with a bucket; undefined where it is not installed.
 *
 * @param {import('./scope.mjs').Scope} scope
 * @returns {Promise<Bucket | undefined>}
 */
export async function startBucket(scope) {
  const file = findPeer('versitygw');
  if (file === undefined) return undefined;
  const directory = await scope.temporaryDirectory('bucket');
  const name = 'bench';
  await mkdir(join(directory, name));
  const child = scope.start(file, ['--port', '127.0.0.1:0', '--quiet', 'posix', directory], {
    env: { ...process.env, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    stdio: 'ignore',
  });
  while (child.exitCode === null && child.pid !== undefined) {
    const port = listeningPort(child.pid);
    if (port !== undefined) {
      const endpoint = `http://127.0.0.1:${port}`;
      return { endpoint, region: 'us-east-1', name, accessKey, secretKey, pid: child.pid };
    }
    await setTimeout(20);
  }
  throw new Error('versitygw ended');
}
