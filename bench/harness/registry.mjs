import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { startBucket } from './bucket.mjs';
import { listeningPort } from './listening-port.mjs';
import { findPeer } from './peers.mjs';
import { program } from './programs.mjs';

/**
 * A registry that runs.
 *
 * @typedef {object} RunningRegistry
 * @property {string} name
 * @property {string} host `127.0.0.1:port`
 * @property {number} port
 * @property {number} pid
 * @property {string} [storage] where it keeps content
 * @property {number} [bucketPid] of the service of its bucket
 */

/**
 * Every registry server there is here; a peer that is not installed gives undefined.
 *
 * @typedef {(scope: import('./scope.mjs').Scope) => Promise<RunningRegistry | undefined>} StartRegistry
 */

/**
 * Debian's docker-registry (distribution 2.8) as its own sample configures it: blob descriptors cached in
 * memory; it logs errors only.
 *
 * @type {StartRegistry}
 */
export const startDockerRegistry = (scope) =>
  startDistribution(scope, { name: 'docker-registry', peer: 'docker-registry' });

/**
 * The same over TLS, with the storage of another that has the content already.
 *
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ certificate: string, key: string, storage: string }} files
 */
export const startDockerRegistryOverTls = (scope, files) =>
  startDistribution(scope, { name: 'docker-registry', peer: 'docker-registry', files });

/** The present distribution (3.x), where `go install` put it. @type {StartRegistry} */
export const startDistribution3 = (scope) =>
  startDistribution(scope, { name: 'distribution 3', peer: 'registry' });

/** The present distribution in a bucket, which it passes on itself as ours does. @type {StartRegistry} */
export async function startDistribution3InBucket(scope) {
  if (findPeer('registry') === undefined) return undefined;
  const bucket = await startBucket(scope);
  if (!bucket) return undefined;
  const storage = {
    s3: {
      accesskey: bucket.accessKey,
      secretkey: bucket.secretKey,
      region: bucket.region,
      regionendpoint: bucket.endpoint,
      bucket: bucket.name,
      secure: false,
      forcepathstyle: true,
    },
    redirect: { disable: true },
  };
  const which = {
    name: 'distribution 3, bucket',
    peer: /** @type {const} */ ('registry'),
    storage,
  };
  const server = await startDistribution(scope, which);
  return server && { ...server, bucketPid: bucket.pid };
}

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ name: string, peer: 'docker-registry' | 'registry', storage?: object, files?: { certificate: string, key: string, storage: string } }} which
 */
async function startDistribution(scope, { name, peer, storage, files }) {
  const path = findPeer(peer);
  if (path === undefined) return undefined;
  const directory = await scope.temporaryDirectory(peer);
  const rootdirectory = files?.storage ?? join(directory, 'storage');
  await mkdir(rootdirectory, { recursive: true });
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: {
      ...(storage ?? { filesystem: { rootdirectory, maxthreads: 100 } }),
      cache: { blobdescriptor: 'inmemory' },
      delete: { enabled: true },
    },
    http: {
      addr: '127.0.0.1:0',
      secret: 'bench',
      ...(files && { tls: { certificate: files.certificate, key: files.key } }),
    },
    // The tables of 1,000 packages are longer than the 1,000 entries that 3.x answers with at most.
    catalog: { maxentries: 10_000 },
  };
  const file = join(directory, 'config.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  const server = await startServer(scope, {
    name,
    file: path,
    args: ['serve', file],
    env: { OTEL_TRACES_EXPORTER: 'none' },
  });
  return { ...server, storage: rootdirectory };
}

/** @type {StartRegistry} */
export async function startZot(scope) {
  const path = findPeer('zot');
  if (path === undefined) return undefined;
  const directory = await scope.temporaryDirectory('zot');
  const config = {
    storage: { rootDirectory: join(directory, 'storage'), gc: false },
    http: { address: '127.0.0.1', port: '0' },
    log: { level: 'error' },
  };
  const file = join(directory, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return startServer(scope, {
    name: 'zot',
    file: path,
    args: ['serve', file],
  });
}

/** @param {import('./scope.mjs').Scope} scope */
export function startOciServer(scope) {
  return startOurs(scope, { name: 'oci-server' });
}

/** Ours in a bucket. @type {StartRegistry} */
export async function startOciServerInBucket(scope) {
  const bucket = await startBucket(scope);
  if (!bucket) return undefined;
  const server = await startOurs(scope, { name: 'oci-server, bucket', bucket });
  return { ...server, bucketPid: bucket.pid };
}

/**
 * Ours, whose flushes to the disk do nothing, by libeatmydata: what durability costs.
 *
 * @type {StartRegistry}
 */
export async function startOciServerWithoutFlush(scope) {
  if (!existsSync(eatMyData)) return undefined;
  return startOurs(scope, { name: 'oci-server without fsync', env: { LD_PRELOAD: eatMyData } });
}

/** Of the Debian package libeatmydata1. */
const eatMyData = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/libeatmydata.so`;

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ name: string, bucket?: import('./bucket.mjs').Bucket, env?: Record<string, string> }} which
 */
async function startOurs(scope, { name, bucket, env }) {
  const directory = await scope.temporaryDirectory('oci-server');
  const config = join(directory, 'config.toml');
  const storage = bucket && {
    kind: 's3',
    bucket: bucket.name,
    endpoint: bucket.endpoint,
    region: bucket.region,
    path_style: true,
  };
  const lines = Object.entries(storage ?? {}).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  await writeFile(config, ['[orchestrator.oci.server.storage]', ...lines, ''].join('\n'));
  const paths = ['--config', config, '--data-dir', join(directory, 'data')];
  return startServer(scope, {
    name,
    file: process.execPath,
    args: [program('oci-server'), 'serve', '--listen', '127.0.0.1:0', ...paths],
    env: {
      OCI_CACHE_DIR: join(directory, 'cache'),
      ...(bucket && {
        AWS_ACCESS_KEY_ID: bucket.accessKey,
        AWS_SECRET_ACCESS_KEY: bucket.secretKey,
      }),
      ...env,
    },
  });
}

/**
 * Starts a server on a free port, and waits until it listens.
 *
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ name: string, file: string, args: string[], env?: Record<string, string> }} what
 * @returns {Promise<RunningRegistry>}
 */
async function startServer(scope, { name, file, args, env = {} }) {
  const child = scope.start(file, args, {
    cwd: scope.workDir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  // Read to its end, lest the server blocks on it.
  child.stderr?.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-2000)));
  while (child.exitCode === null && child.pid !== undefined) {
    const port = listeningPort(child.pid);
    if (port !== undefined) return { name, host: `127.0.0.1:${port}`, port, pid: child.pid };
    await setTimeout(20);
  }
  throw new Error(`${name} ended: ${log}`);
}
