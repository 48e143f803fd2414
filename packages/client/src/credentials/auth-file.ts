import { type BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';

import type { Credential } from './credential.js';

/** A file of docker's or podman's, as far as it concerns us. */
export interface AuthFile {
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, unknown>>;
  readonly credsStore: string | undefined;
}

/** Docker Hub's key in all of these files. */
const dockerHubKey = 'https://index.docker.io/v1/';
const dockerHubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** The key that docker stores a registry under, and asks helpers with. */
export function authKey(registry: string): string {
  return registry === 'docker.io' ? dockerHubKey : registry;
}

/**
 * Reads a file's text. A `.dockercfg` is the map of entries itself.
 *
 * @throws OciError `CONFIG_INVALID`, without the text: it may hold a secret
 */
export function parseAuthFile(text: string, name: string): AuthFile {
  const value = parseAuthObject(text, name);
  const legacy = name.endsWith('.dockercfg') && !('auths' in value);
  const { credsStore } = value;
  return {
    auths: legacy ? value : objectOf(value['auths']),
    credHelpers: legacy ? {} : objectOf(value['credHelpers']),
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
  };
}

/** The whole object, for those who change one key and keep all others. @throws OciError `CONFIG_INVALID` */
export function parseAuthObject(text: string, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    if (isObject(value)) return value;
  } catch {
    // The parser's message may quote the file, and with it a secret.
  }
  throw unreadable(name, undefined);
}

/** The credential that a file holds itself: of the longest key that is the repository's, or the host's. */
export function credentialOf(
  file: AuthFile,
  registry: string,
  repository: string | undefined,
): Credential | undefined {
  for (const name of namesOf(registry, repository)) {
    const key = Object.keys(file.auths).find((candidate) => nameOfKey(candidate) === name);
    const credential = key === undefined ? undefined : fromEntry(objectOf(file.auths[key]));
    if (credential) return credential;
  }
  return undefined;
}

/** The helper that a file names for this registry only. */
export function helperOf(file: AuthFile, registry: string): string | undefined {
  const key = Object.keys(file.credHelpers).find((candidate) => nameOfKey(candidate) === registry);
  const suffix = key === undefined ? undefined : file.credHelpers[key];
  return typeof suffix === 'string' && suffix !== '' ? suffix : undefined;
}

/** The keys under which a registry as a whole stands in a map of entries. */
export function keysOfRegistry(
  entries: Readonly<Record<string, unknown>>,
  registry: string,
): readonly string[] {
  return Object.keys(entries).filter((key) => nameOfKey(key) === registry);
}

/** `host/a/b/c`, `host/a/b`, `host/a`, `host` (containers-auth.json). */
function namesOf(registry: string, repository: string | undefined): readonly string[] {
  const parts = repository === undefined ? [] : repository.split('/');
  return [...parts.keys(), parts.length]
    .map((count) => [registry, ...parts.slice(0, count)].join('/'))
    .reverse();
}

/** Old files have URLs of an API for keys; all else is a host, perhaps with a path of repositories. */
function nameOfKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, '');
  const isUrl = bare !== key || /\/v[12]\/?$/.test(bare);
  const [host = '', ...path] = bare.split('/');
  const name = dockerHubHosts.has(host.toLowerCase()) ? 'docker.io' : host.toLowerCase();
  return isUrl ? name : [name, ...path].join('/').replace(/\/$/, '');
}

function fromEntry(entry: Readonly<Record<string, unknown>>): Credential | undefined {
  const text = (member: string): string => {
    const value = entry[member];
    return typeof value === 'string' ? value : '';
  };
  if (text('registrytoken')) return { kind: 'bearer', token: text('registrytoken') };
  if (text('identitytoken')) return { kind: 'refresh', token: text('identitytoken') };
  const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  const username = colon > 0 ? decoded.slice(0, colon) : text('username');
  const password = colon > 0 ? decoded.slice(colon + 1) : text('password');
  return username && password ? { kind: 'password', username, password } : undefined;
}

/** Reads files, each again only after it changed. */
export class AuthFileReader {
  readonly #read = new Map<string, { readonly version: string; readonly file: AuthFile }>();

  /** Undefined for a file that does not exist. @throws OciError `CONFIG_INVALID` */
  async read(path: string): Promise<AuthFile | undefined> {
    try {
      const version = versionOf(await stat(path, { bigint: true }));
      const known = this.#read.get(path);
      if (known?.version === version) return known.file;
      const file = parseAuthFile(await readFile(path, 'utf8'), path);
      this.#read.set(path, { version, file });
      return file;
    } catch (cause) {
      if (cause instanceof OciError) throw cause;
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw unreadable(path, cause);
    }
  }
}

function versionOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

function objectOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(name: string, cause: unknown): OciError {
  return new OciError('CONFIG_INVALID', `the credentials file ${name} can not be read`, {
    cause,
    hint: 'Mend or remove it, then log in again.',
  });
}
