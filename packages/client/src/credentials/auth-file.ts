import { type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';
import { isObject } from '@oci/spec-types/schemas';
import { hasCode, isMissing, readNamedFile } from '@oci/files';

import { isSettableHeader } from '../transport/origin-headers.js';
import type { Credential } from './credential.js';

/** A file of docker's or podman's, as far as it concerns us. */
export interface AuthFile {
  /** Its path, or the variable that holds it. */
  readonly name: string;
  readonly auths: Readonly<Record<string, unknown>>;
  readonly credHelpers: Readonly<Record<string, unknown>>;
  readonly credsStore: string | undefined;
  /** Sent to every registry. */
  readonly httpHeaders: Readonly<Record<string, string>>;
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
    name,
    auths: legacy ? value : memberOf(value, 'auths', name),
    credHelpers: legacy ? {} : memberOf(value, 'credHelpers', name),
    credsStore: typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined,
    httpHeaders: legacy ? {} : settableHeaders(memberOf(value, 'HttpHeaders', name)),
  };
}

/** Whether a file says nothing of credentials: then docker asks the store of the platform. */
export function isSilent({ auths, credHelpers, credsStore }: AuthFile): boolean {
  const entries = [...Object.keys(auths), ...Object.keys(credHelpers)];
  return entries.length === 0 && credsStore === undefined;
}

/** @throws OciError `CONFIG_INVALID` when it is there and no object */
function memberOf(
  value: Readonly<Record<string, unknown>>,
  member: string,
  name: string,
): Readonly<Record<string, unknown>> {
  const found = value[member] ?? {};
  if (isObject(found)) return found;
  throw invalid(name, `${member} is not a JSON object`);
}

function settableHeaders(
  headers: Readonly<Record<string, unknown>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).filter(
    (entry): entry is [string, string] =>
      typeof entry[1] === 'string' &&
      isSettableHeader(entry[0]) &&
      !/[^\t\x20-\x7e\x80-\xff]/.test(entry[1]),
  );
  return Object.fromEntries(entries);
}

/** The whole object, for those who change one key and keep all others. @throws OciError `CONFIG_INVALID` */
export function parseAuthObject(text: string, name: string): Record<string, unknown> {
  let value: unknown;
  try {
    // Editors of Windows begin a file with a byte order mark.
    const json = text.replace(/^\uFEFF/, '').trim();
    value = JSON.parse(json === '' ? '{}' : json);
  } catch {
    // The parser's message may quote the file, and with it a secret.
    throw invalid(name, 'it is not JSON');
  }
  if (isObject(value)) return value;
  throw invalid(name, 'it is not a JSON object');
}

/** The credential that a file holds itself: of the longest key that is the repository's, or the host's. */
export function credentialOf(
  file: AuthFile,
  registry: string,
  repository: string | undefined,
): Credential | undefined {
  for (const name of namesOf(registry, repository)) {
    const key = Object.keys(file.auths).find((candidate) => nameOfKey(candidate) === name);
    const credential = key === undefined ? undefined : fromEntry(file, key);
    if (credential) return credential;
  }
  return undefined;
}

/** The helper that a file names for this registry only. */
export function helperOf(file: AuthFile, registry: string): string | undefined {
  const key = Object.keys(file.credHelpers).find((candidate) => nameOfKey(candidate) === registry);
  const suffix = key === undefined ? undefined : file.credHelpers[key];
  if (suffix !== undefined && typeof suffix !== 'string')
    throw invalid(file.name, `credHelpers."${shown(key)}" is not text`);
  return suffix === '' ? undefined : suffix;
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

function fromEntry({ auths, name }: AuthFile, key: string): Credential | undefined {
  const entry = auths[key] ?? {};
  const refuse = (why: string): never => {
    throw invalid(name, `auths."${shown(key)}" ${why}`);
  };
  if (!isObject(entry)) return refuse('is not a JSON object');
  const text = (member: string): string => {
    const value = entry[member] ?? '';
    return typeof value === 'string' ? value : refuse(`has ${member} that is not text`);
  };
  if (text('registrytoken')) return { kind: 'bearer', token: text('registrytoken') };
  if (text('identitytoken')) return { kind: 'refresh', token: text('identitytoken') };
  const decoded = decode(text('auth'));
  const colon = decoded.indexOf(':');
  const username = colon > 0 ? decoded.slice(0, colon) : text('username');
  const password = colon > 0 ? decoded.slice(colon + 1) : text('password');
  if (username && password) return { kind: 'password', username, password };
  if (text('auth') === '' || colon >= 0) return undefined;
  return decode(decoded).indexOf(':') > 0
    ? refuse('has auth that was encoded twice')
    : refuse('has auth that is not the base64 of user:password');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8').replace(/\0+$/, '');
}

function shown(key: string | undefined): string {
  return (key ?? '').slice(0, 200);
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
      const file = parseAuthFile(String(await readNamedFile(path)), path);
      this.#read.set(path, { version, file });
      return file;
    } catch (cause) {
      if (cause instanceof OciError) throw cause;
      if (isMissing(cause)) return undefined;
      // Whoever may not read the file has no credentials in it.
      if (hasCode(cause, 'EACCES', 'EPERM')) throw denied(path, cause);
      throw invalid(path, 'it cannot be read', cause);
    }
  }
}

function versionOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

function denied(path: string, cause: unknown): OciError {
  return new OciError('UNAUTHORIZED', `the credentials file ${path} may not be read`, {
    cause,
    hint: 'Let its owner give you the right to read it, or name another with REGISTRY_AUTH_FILE.',
  });
}

function invalid(name: string, why: string, cause?: unknown): OciError {
  return new OciError('CONFIG_INVALID', `the credentials in ${name} are not usable: ${why}`, {
    cause,
    hint: 'Correct or remove it, then log in again.',
  });
}
