import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

import type { MirrorOptions } from '@oci/client';
import type { ClientCertificate } from '@oci/client/transport';
import { OciError } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { RegistrySettings } from '../registry-set.js';
import { type RegistryLookup, readPem } from './host-files.js';
import { type Table, isTable } from './table.js';
import { parseToml } from './toml.js';

/**
 * What a `certs.d` says, by the directory that has a registry's name exactly as references have it: containerd's
 * `hosts.toml`, else docker's `*.crt`, `*.cert` and `*.key`.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function lookupCertsDir(path: string): Promise<RegistryLookup> {
  const found = new Map<string, RegistrySettings>();
  for (const name of await directoryNames(path)) {
    const settings = await readHost(join(path, name));
    // containerd writes host_port_ where a colon can't be in a name.
    found.set(name.replace(/_(\d+)_$/, ':$1').toLowerCase(), settings);
  }
  return (host) => found.get(host) ?? found.get('_default');
}

async function directoryNames(path: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `the directory ${path} cannot be read`, {
      cause,
      hint: 'It is named by certs_dir.',
    });
  }
}

async function readHost(directory: string): Promise<RegistrySettings> {
  const names = (await readdir(directory)).sort();
  if (names.includes('hosts.toml')) return readHostsToml(directory);
  const ending = (suffix: string): readonly string[] =>
    names.filter((name) => name.endsWith(suffix));
  const authorities = await Promise.all(
    ending('.crt').map((name) => readPem(join(directory, name))),
  );
  const [cert] = ending('.cert');
  return {
    ...(authorities.length > 0 && { ca: authorities.join('\n') }),
    ...(cert !== undefined && {
      clientCertificate: {
        cert: await readPem(join(directory, cert)),
        key: await readPem(join(directory, cert.replace(/\.cert$/, '.key'))),
      },
    }),
  };
}

/** containerd's `hosts.toml`: the top is the registry itself, each `[host."…"]` a mirror. */
async function readHostsToml(directory: string): Promise<RegistrySettings> {
  const file = join(directory, 'hosts.toml');
  const document = parseToml(String(await readNamedFile(file)), file);
  const { server, host } = document;
  const place = { directory, file };
  if (host !== undefined && !isTable(host)) throw invalid(file, 'has a host that is no table');
  const mirrors: MirrorOptions[] = [];
  for (const [location, value] of Object.entries(host ?? {})) {
    if (!isTable(value)) throw invalid(file, `has a host ${location} that is no table`);
    const mirror = await readMirror(location, value, place);
    if (mirror) mirrors.push(mirror);
  }
  // The server is what is asked last, so it comes behind the mirrors.
  if (typeof server === 'string' && mirrors.length > 0)
    mirrors.push({ location: withoutApi(server, {}, file), ns: true });
  return { ...(await readTls(document, place)), ...(mirrors.length > 0 && { mirrors }) };
}

interface Place {
  readonly directory: string;
  readonly file: string;
}

async function readMirror(
  location: string,
  table: Table,
  place: Place,
): Promise<MirrorOptions | undefined> {
  const capabilities = table['capabilities'] ?? ['pull', 'resolve', 'push'];
  if (!Array.isArray(capabilities)) throw invalid(place.file, 'has capabilities that are no list');
  if (!capabilities.includes('pull')) return undefined;
  return {
    ...(await readTls(table, place)),
    location: withoutApi(location, table, place.file),
    // Who may not resolve tags is only trusted with what a digest proves.
    pullFrom: capabilities.includes('resolve') ? 'all' : 'digest-only',
    ns: true,
  };
}

/** @returns the location of the repositories: `/v2` in front of a path is the API, not a part of names */
function withoutApi(location: string, table: Table, file: string): string {
  const full = location.includes('://') ? location : `https://${location}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const path = url?.pathname.replace(/\/$/, '') ?? '';
  const isApi = /^\/v2(?:\/|$)/.test(path);
  if (!url || (path !== '' && !isApi) || (table['override_path'] === true && !isApi))
    throw invalid(file, `has the host ${location}, whose path is not below /v2`);
  return `${url.protocol}//${url.host}${path.replace(/^\/v2/, '')}`;
}

async function readTls(
  table: Table,
  { directory, file }: Place,
): Promise<Pick<MirrorOptions, 'insecure' | 'ca' | 'clientCertificate' | 'headers'>> {
  const read = (path: string): Promise<string> =>
    readPem(isAbsolute(path) ? path : join(directory, path));
  const authorities = await Promise.all(textsOf(table['ca'], 'ca', file).map(read));
  const clientCertificate = await readClient(table['client'], { read, file });
  const headers = readHeaders(table['header'], file);
  return {
    ...(table['skip_verify'] === true && { insecure: true }),
    ...(authorities.length > 0 && { ca: authorities.join('\n') }),
    ...(clientCertificate && { clientCertificate }),
    ...(headers && { headers }),
  };
}

function textsOf(value: unknown, key: string, file: string): readonly string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.every((item) => typeof item === 'string')) return list;
  throw invalid(file, `has a ${key} that is neither a text nor a list of texts`);
}

/** A file with both, a list of such files, or a list of pairs; of several the first. */
async function readClient(
  value: unknown,
  { read, file }: { read: (path: string) => Promise<string>; file: string },
): Promise<ClientCertificate | undefined> {
  if (value === undefined) return undefined;
  const first: unknown = Array.isArray(value) ? value[0] : value;
  const [cert, key = cert] = textsOf(first, 'client', file);
  if (cert === undefined || key === undefined) return undefined;
  return { cert: await read(cert), key: await read(key) };
}

function readHeaders(value: unknown, file: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined) return undefined;
  if (!isTable(value)) throw invalid(file, 'has a header that is no table');
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [name, textsOf(text, 'header', file).join(', ')]),
  );
}

function invalid(file: string, why: string): OciError {
  return new OciError('CONFIG_INVALID', `${file} ${why}`, {
    hint: "See containerd's documentation of registry hosts (hosts.toml).",
  });
}
