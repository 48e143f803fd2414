import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { MirrorOptions } from '@oci/client';
import { OciError, type RegistryHost } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { RegistrySettings } from '../registry-set.js';
import type { RegistryLookup } from './host-files.js';
import { type Table, isTable } from './table.js';
import { parseToml } from './toml.js';

/** One `[[registry]]` (containers-registries.conf, version 2). */
interface RegistryEntry {
  /** A host, or `*.` and the end of one. */
  readonly host: string;
  /** The path of the prefix; empty for the whole host. */
  readonly path: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly MirrorOptions[];
}

/**
 * What a `registries.conf` and the files of `registries.conf.d` beside it say of mirrors, insecure and
 * blocked registries. Its other keys are about short names and do not concern us.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function lookupRegistriesConf(path: string): Promise<RegistryLookup> {
  const entries = new Map<string, RegistryEntry>();
  for (const file of [path, ...(await dropIns(`${path}.d`))]) {
    const document = parseToml(await readText(file), file);
    if (isTable(document['registries']))
      throw invalid(file, 'is of version 1', 'Write [[registry]] tables: version 2.');
    const tables = document['registry'] ?? [];
    if (!Array.isArray(tables)) throw invalid(file, 'has a registry that is no list of tables');
    // A later file replaces what an earlier one says of the same prefix.
    for (const table of tables) {
      const [prefix, entry] = readEntry(table, file);
      entries.set(prefix, entry);
    }
  }
  return (host) => settingsOf(host, [...entries.values()]);
}

async function dropIns(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(directory, name));
}

async function readText(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path));
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `${path} cannot be read`, {
      cause,
      hint: 'It is named by registries_conf.',
    });
  }
}

function readEntry(value: unknown, file: string): [prefix: string, entry: RegistryEntry] {
  if (!isTable(value)) throw invalid(file, 'has a registry that is no table');
  const location = textOf(value, 'location', file);
  const prefix = textOf(value, 'prefix', file) ?? location;
  if (prefix === undefined) throw invalid(file, 'has a registry without prefix and location');
  const [host = '', ...rest] = prefix.split('/');
  const path = rest.join('/');
  const blocked = flagOf(value, 'blocked', file);
  if (/[:@]/.test(path) || (blocked && path !== ''))
    throw invalid(
      file,
      `has the prefix ${prefix}: a tag, a digest or a part of a registry that is blocked`,
      'Only registries and paths of repositories are supported, and only registries can be blocked.',
    );
  const byDigestOnly = flagOf(value, 'mirror-by-digest-only', file);
  const mirrors = listOf(value, 'mirror', file).flatMap((mirror) =>
    mirrorsOf(mirror, { file, path, pullFrom: byDigestOnly ? 'digest-only' : 'all' }),
  );
  const insecure = flagOf(value, 'insecure', file);
  const moved = location !== undefined && location !== prefix && !prefix.startsWith('*.');
  const last = moved ? places({ location, repositories: orAll(path) }, insecure) : [];
  return [
    prefix,
    { host: host.toLowerCase(), path, insecure, blocked, mirrors: [...mirrors, ...last] },
  ];
}

function mirrorsOf(
  value: unknown,
  { file, path, pullFrom }: { file: string; path: string; pullFrom: 'all' | 'digest-only' },
): readonly MirrorOptions[] {
  if (!isTable(value)) throw invalid(file, 'has a mirror that is no table');
  const location = textOf(value, 'location', file);
  if (location === undefined) throw invalid(file, 'has a mirror without a location');
  const own = textOf(value, 'pull-from-mirror', file) ?? pullFrom;
  if (own !== 'all' && own !== 'digest-only' && own !== 'tag-only')
    throw invalid(file, `has a pull-from-mirror that is not known: ${own}`);
  const mirror: MirrorOptions = { location, repositories: orAll(path), pullFrom: own };
  return places(mirror, flagOf(value, 'insecure', file));
}

/** "Insecure" means there: HTTPS without verification, and where there is none, HTTP. */
function places(mirror: MirrorOptions, insecure: boolean): readonly MirrorOptions[] {
  if (!insecure) return [mirror];
  return [
    { ...mirror, location: `https://${mirror.location}`, insecure },
    { ...mirror, location: `http://${mirror.location}` },
  ];
}

function orAll(path: string): string | undefined {
  return path === '' ? undefined : path;
}

/** All that concerns a host: the longest prefixes first, so that the nearest mirrors are asked first. */
function settingsOf(
  host: RegistryHost,
  entries: readonly RegistryEntry[],
): RegistrySettings | undefined {
  const exact = entries.filter((entry) => entry.host === host);
  const wild = entries
    .filter((entry) => entry.host.startsWith('*.') && host.endsWith(entry.host.slice(1)))
    .sort((a, b) => b.host.length - a.host.length)
    .slice(0, 1);
  const found = (exact.some(({ path }) => path === '') ? exact : [...exact, ...wild]).sort(
    (a, b) => b.path.length - a.path.length,
  );
  if (found.length === 0) return undefined;
  const mirrors = found.flatMap((entry) => entry.mirrors);
  return {
    ...(found.some(({ insecure }) => insecure) && { insecure: true }),
    ...(found.some(({ blocked }) => blocked) && { blocked: true }),
    ...(mirrors.length > 0 && { mirrors }),
  };
}

function textOf(table: Table, key: string, file: string): string | undefined {
  const value = table[key];
  if (value === undefined || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw invalid(file, `has a ${key} that is no text`);
}

function flagOf(table: Table, key: string, file: string): boolean {
  const value = table[key] ?? false;
  if (typeof value === 'boolean') return value;
  throw invalid(file, `has a value of ${key} that is neither true nor false`);
}

function listOf(table: Table, key: string, file: string): readonly unknown[] {
  const value = table[key] ?? [];
  if (Array.isArray(value)) return value;
  throw invalid(file, `has a ${key} that is no list of tables`);
}

function invalid(file: string, why: string, hint?: string): OciError {
  return new OciError('CONFIG_INVALID', `${file} ${why}`, {
    hint: hint ?? 'See containers-registries.conf(5).',
  });
}
