import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { testAuthority } from '../registry/certificate-authority.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { type JwtTokenServer, startJwtTokenServer } from './jwt-token-server.js';
import { peer } from './peer.js';

export interface DockerRegistryOptions {
  /** Where it stores; a temporary directory, removed by `close`, when it is missing. */
  readonly dir?: string | undefined;
  /** Whether it wants {@link dockerRegistryCredential}: itself, or by a token server of its own. */
  readonly auth?: boolean | 'token' | undefined;
  /** HTTPS by {@link testAuthority}; `client-certificate` for nobody without one of it. */
  readonly tls?: boolean | 'client-certificate' | undefined;
  /** Debian's distribution 2, or `registry`: distribution 3, as Go installs it. */
  readonly program?: 'docker-registry' | 'registry' | undefined;
}

/** A running `docker-registry` (distribution). */
export interface DockerRegistry extends AsyncDisposable {
  readonly url: string;
  readonly host: string;
  readonly storageDir: string;
  /** With `auth: 'token'`. */
  readonly tokens: JwtTokenServer | undefined;
  readonly close: () => Promise<void>;
}

/** The only user of a registry that was started with `auth`. */
export const dockerRegistryCredential: { readonly username: string; readonly password: string } = {
  username: 'tester',
  password: 'secret',
};

/** The registry reads bcrypt only, which Node can't make. */
const passwordHash = '$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW';

/** Starts distribution's registry on a free loopback port, and waits until it answers. */
export async function startDockerRegistry(
  options: DockerRegistryOptions = {},
): Promise<DockerRegistry> {
  const { program: name = 'docker-registry' } = options;
  const program = peer(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const directory = await temporaryDirectory('oci-docker-registry-');
  const storageDir = options.dir ?? join(directory.path, 'storage');
  await mkdir(storageDir, { recursive: true });
  const tokens = options.auth === 'token' ? await startJwtTokenServer(tokenService) : undefined;
  const config = await writeConfig(directory.path, { ...options, storageDir, tokens });
  const child = spawn(program, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  const close = async (): Promise<void> => {
    await stop(child);
    await tokens?.close();
    await directory.remove();
  };
  try {
    // It listens when it says so, so that it takes connections from now on.
    const address = await addressOf(child);
    // crane takes a token server at a literal address for an attack.
    const host = tokens ? address.replace('127.0.0.1', 'localhost') : address;
    const url = `${options.tls ? 'https' : 'http'}://${host}`;
    return { url, host, storageDir, tokens, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

const tokenService = {
  ...dockerRegistryCredential,
  service: 'docker-registry',
  issuer: 'test issuer',
} as const;

async function writeConfig(
  directory: string,
  options: DockerRegistryOptions & {
    readonly storageDir: string;
    readonly tokens: JwtTokenServer | undefined;
  },
): Promise<string> {
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: options.storageDir },
      delete: { enabled: true },
    },
    http: { addr: '127.0.0.1:0', secret: 'test', ...(await tlsConfig(directory, options)) },
    ...(await authConfig(directory, options)),
  };
  const path = join(directory, 'config.yml');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  return path;
}

async function tlsConfig(directory: string, { tls }: DockerRegistryOptions): Promise<object> {
  if (!tls) return {};
  const { ca, server } = await testAuthority();
  const put = (name: string, text: string) => putFile(directory, name, text);
  return {
    tls: {
      certificate: await put('server.pem', server.cert),
      key: await put('server.key', server.key),
      ...(tls === 'client-certificate' && { clientcas: [await put('ca.pem', ca)] }),
    },
  };
}

async function authConfig(
  directory: string,
  { auth, tokens }: DockerRegistryOptions & { readonly tokens: JwtTokenServer | undefined },
): Promise<object> {
  if (tokens) {
    const { service, issuer } = tokenService;
    const rootcertbundle = await putFile(directory, 'tokens.pem', tokens.certificate);
    return { auth: { token: { realm: tokens.realm, service, issuer, rootcertbundle } } };
  }
  if (!auth) return {};
  const users = `${dockerRegistryCredential.username}:${passwordHash}\n`;
  const path = await putFile(directory, 'htpasswd', users);
  return { auth: { htpasswd: { realm: 'test', path } } };
}

async function putFile(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
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
