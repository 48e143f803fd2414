import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

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
 */

/**
 * Every registry server there is here; a peer that is not installed gives undefined.
 *
 * @typedef {(scope: import('./scope.mjs').Scope) => Promise<RunningRegistry | undefined>} StartRegistry
 */

/**
 * Debian's docker-registry (distribution 2.8) as its own sample configures it: blob descriptors cached in
 * memory, no access log.
 *
 * @type {StartRegistry}
 */
export const startDockerRegistry = (scope) =>
  startDistribution(scope, { name: 'docker-registry', peer: 'docker-registry' });

/** The present distribution (3.x), where `go install` put it. @type {StartRegistry} */
export const startDistribution3 = (scope) =>
  startDistribution(scope, { name: 'distribution 3', peer: 'registry' });

/**
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ name: string, peer: 'docker-registry' | 'registry' }} which
 */
async function startDistribution(scope, { name, peer }) {
  const path = findPeer(peer);
  if (path === undefined) return undefined;
  const directory = await scope.temporaryDirectory(peer);
  const rootdirectory = join(directory, 'storage');
  await mkdir(rootdirectory);
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory, maxthreads: 100 },
      cache: { blobdescriptor: 'inmemory' },
      delete: { enabled: true },
    },
    http: { addr: '127.0.0.1:0', secret: 'bench' },
    // The tables of 1,000 packages are longer than the 1,000 entries that 3.x answers with at most.
    catalog: { maxentries: 10_000 },
  };
  const file = join(directory, 'config.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  return startServer(scope, {
    name,
    file: path,
    args: ['serve', file],
    env: { OTEL_TRACES_EXPORTER: 'none' },
    listening: /listening on 127\.0\.0\.1:(\d+)/,
  });
}

/** @type {StartRegistry} */
export async function startZot(scope) {
  const path = findPeer('zot');
  if (path === undefined) return undefined;
  const directory = await scope.temporaryDirectory('zot');
  const config = {
    storage: { rootDirectory: join(directory, 'storage'), gc: false },
    http: { address: '127.0.0.1', port: '0' },
    log: { level: 'info' },
  };
  const file = join(directory, 'config.json');
  await writeFile(file, JSON.stringify(config));
  return startServer(scope, {
    name: 'zot',
    file: path,
    args: ['serve', file],
    listening: /"port":\s*(\d+)/,
  });
}

/** @type {StartRegistry} */
export async function startOciServer(scope) {
  const directory = await scope.temporaryDirectory('oci-server');
  return startServer(scope, {
    name: 'oci-server',
    file: process.execPath,
    args: [
      program('oci-server'),
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--data-dir',
      join(directory, 'data'),
    ],
    env: { OCI_CACHE_DIR: join(directory, 'cache') },
    listening: /127\.0\.0\.1:(\d+)/,
  });
}

/**
 * Starts a server that says on which port it listens; its log is read to the end, lest it blocks.
 *
 * @param {import('./scope.mjs').Scope} scope
 * @param {{ name: string, file: string, args: string[], env?: Record<string, string>, listening: RegExp }} what
 * @returns {Promise<RunningRegistry>}
 */
async function startServer(scope, { name, file, args, env = {}, listening }) {
  const child = scope.start(file, args, {
    cwd: scope.workDir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  /** @type {string[]} */
  const seen = [];
  const port = await new Promise((resolve, reject) => {
    for (const output of [child.stdout, child.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (line) => {
        const match = listening.exec(line)?.[1];
        if (match !== undefined && match !== '0') resolve(Number(match));
        else if (seen.length < 50) seen.push(line);
      });
    }
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`${name} ended: ${seen.slice(-5).join('\n')}`)));
  });
  return { name, host: `127.0.0.1:${port}`, port, pid: child.pid ?? 0 };
}
