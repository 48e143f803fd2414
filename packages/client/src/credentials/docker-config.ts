import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';

import type { Credential, CredentialSource } from './credential.js';
import { askHelper } from './helper.js';

export interface DockerConfigOptions {
  /** Default `process.env`: `DOCKER_CONFIG`, `REGISTRY_AUTH_FILE`, `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: the user's. */
  readonly homeDir?: string | undefined;
}

/** A file of docker's or podman's, as far as it concerns us. */
interface ConfigFile {
  readonly auths?: Readonly<Record<string, AuthEntry>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Docker Hub's key in all of these files. */
const dockerHubKey = 'https://index.docker.io/v1/';

/**
 * Credentials of docker's `config.json` and podman's `auth.json`, the first file that knows the
 * registry. In a file: the registry's own helper, then the store, then what stands there. Hosts are
 * compared exactly; a helper that fails is an error and never another host's credential.
 */
export function dockerConfigCredentials(options: DockerConfigOptions = {}): CredentialSource {
  return async (registry) => {
    for (const path of configPaths(options)) {
      const file = await readConfig(path);
      const credential = file && (await fromFile(file, registry));
      if (credential) return credential;
    }
    return undefined;
  };
}

function configPaths({
  env = process.env,
  homeDir = homedir(),
}: DockerConfigOptions): readonly string[] {
  const only = env['REGISTRY_AUTH_FILE'];
  if (only) return [only];
  const docker = join(env['DOCKER_CONFIG'] ?? join(homeDir, '.docker'), 'config.json');
  if (env['DOCKER_CONFIG']) return [docker];
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    docker,
    ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
    join(env['XDG_CONFIG_HOME'] ?? join(homeDir, '.config'), 'containers/auth.json'),
  ];
}

async function readConfig(path: string): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, cause);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The parser's message may quote the file, and with it a secret.
  }
  throw unreadable(path, undefined);
}

async function fromFile(file: ConfigFile, registry: string): Promise<Credential | undefined> {
  const key = registry === 'docker.io' ? dockerHubKey : registry;
  const helpers = file.credHelpers ?? {};
  const own = Object.hasOwn(helpers, registry) ? helpers[registry] : undefined;
  if (own) return askHelper(own, key);
  const stored = file.credsStore ? await askHelper(file.credsStore, key) : undefined;
  return stored ?? fromEntry(findEntry(file.auths ?? {}, registry));
}

function findEntry(
  auths: Readonly<Record<string, AuthEntry>>,
  registry: string,
): AuthEntry | undefined {
  const match = Object.keys(auths).find((key) => hostOfKey(key) === registry);
  return match === undefined ? undefined : auths[match];
}

/** Old files have URLs for keys. */
function hostOfKey(key: string): string {
  const host = key
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}

function fromEntry(entry: AuthEntry | undefined): Credential | undefined {
  if (!entry) return undefined;
  if (entry.registrytoken) return { kind: 'bearer', token: entry.registrytoken };
  if (entry.identitytoken) return { kind: 'refresh', token: entry.identitytoken };
  if (entry.auth) {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon <= 0) return undefined;
    return {
      kind: 'password',
      username: decoded.slice(0, colon),
      password: decoded.slice(colon + 1),
    };
  }
  const { username, password } = entry;
  return username && password ? { kind: 'password', username, password } : undefined;
}

function unreadable(path: string, cause: unknown): OciError {
  return new OciError('CONFIG_INVALID', `the credentials file ${path} can not be read`, {
    cause,
    hint: 'Mend or remove it, then log in again.',
  });
}
