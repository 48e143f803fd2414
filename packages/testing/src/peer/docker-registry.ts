import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { temporaryDirectory } from '../temporary-directory.js';
import { peer } from './peer.js';

export interface DockerRegistryOptions {
  /** Where it stores; a temporary directory, removed by `close`, when it is missing. */
  readonly dir?: string | undefined;
  /** Whether it wants {@link dockerRegistryCredential}. */
  readonly auth?: boolean | undefined;
}

/** A running `docker-registry` (distribution). */
export interface DockerRegistry extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly storageDir: string;
  readonly close: () => Promise<void>;
}

/** The only user of a registry that was started with `auth`. */
export const dockerRegistryCredential: { readonly username: string; readonly password: string } = {
  username: 'tester',
  password: 'secret',
};

/** The registry reads bcrypt only, which Node can't make. */
const passwordHash = '$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW';

/** Starts Debian's `docker-registry` on a free loopback port, and waits until it answers. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const program = peer('docker-registry');
  if (program === undefined)
    throw new Error('docker-registry is not installed: apt-get install docker-registry');
  const directory = await temporaryDirectory('oci-docker-registry-');
  const storageDir = options.dir ?? join(directory.path, 'storage');
  await mkdir(storageDir, { recursive: true });
  const config = await writeConfig(directory.path, { storageDir, auth: options.auth ?? false });
  const child = spawn(program, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const close = async (): Promise<void> => {
    await stop(child);
    await directory.remove();
  };
  try {
    const host = await addressOf(child);
    const url = `http://${host}`;
    await (await fetch(`${url}/v2/`)).body?.cancel();
    return { url, host, storageDir, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function writeConfig(
  directory: string,
  { storageDir, auth }: { readonly storageDir: string; readonly auth: boolean },
): Promise<string> {
  const users = join(directory, 'htpasswd');
  await writeFile(users, `${dockerRegistryCredential.username}:${passwordHash}\n`);
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storageDir }, delete: { enabled: true } },
    http: { addr: '127.0.0.1:0', secret: 'test' },
    ...(auth && { auth: { htpasswd: { realm: 'test', path: users } } }),
  };
  const path = join(directory, 'config.yml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  return path;
}

/** It logs the port that it was given; its log is read to the end, lest it blocks. */
async function addressOf(child: ChildProcess): Promise<string> {
  if (!child.stderr) throw new Error('docker-registry has no log');
  const lines = createInterface({ input: child.stderr });
  const seen: string[] = [];
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () =>
      reject(new Error(`docker-registry ended: ${seen.slice(-5).join('\n')}`)),
    );
    lines.on('line', (line) => {
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
      else if (seen.length < 20) seen.push(line);
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
