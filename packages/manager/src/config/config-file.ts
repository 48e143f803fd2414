import { dirname } from 'node:path';

import { OciError } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import { nearest } from '../nearest.js';
import { type HostTables, hostTableNames, readHostTables } from './host-settings.js';
import { type InterpolationContext, interpolate } from './interpolation.js';
import { type SettingKey, isSettingKey, settingDefinitions } from './settings.js';
import { type Table, isTable } from './table-reader.js';
import { parseToml } from './toml.js';

/** What a file says. */
export interface ConfigFile {
  readonly settings: ReadonlyMap<SettingKey, unknown>;
  readonly hosts: HostTables;
}

/**
 * The settings of a TOML file's `[orchestrator.oci]`, interpolated. The file is the orchestrator's:
 * its other tables are not ours to judge, but a key of ours that is unknown is a mistake.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const document = parseToml(await readText(path), `the configuration file ${path}`);
  const orchestrator = tableAt(document, 'orchestrator', path);
  const oci = orchestrator && tableAt(orchestrator, 'oci', path);
  const settings = new Map<SettingKey, unknown>();
  const tables: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(oci ?? {})) {
    if (isHostTable(name)) {
      tables[name] = interpolateAll(value, { document, path, key: name });
      continue;
    }
    for (const [key, item] of flatten({ [name]: value })) {
      if (!isSettingKey(key)) throw unknownKey(key, path);
      settings.set(key, interpolate(item, { document, path, key }));
    }
  }
  return { settings, hosts: readHostTables(tables, { path, baseDir: dirname(path) }) };
}

function isHostTable(name: string): boolean {
  return (hostTableNames as readonly string[]).includes(name);
}

/** As {@link interpolate}, in tables too. */
function interpolateAll(value: unknown, context: InterpolationContext): unknown {
  if (Array.isArray(value)) return value.map((item) => interpolateAll(item, context));
  if (!isTable(value)) return interpolate(value, context);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      interpolateAll(item, { ...context, key: `${context.key}.${key}` }),
    ]),
  );
}

async function readText(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path));
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'can not be read';
    throw new OciError('CONFIG_INVALID', `the configuration file ${path} ${why}`, {
      cause,
      hint: 'It is named by OCI_CONFIG, or by the program.',
      reason: { kind: 'named-file-unreadable', file: 'configuration' },
    });
  }
}

function tableAt(table: Table, key: string, path: string): Table | undefined {
  const value = table[key];
  if (value === undefined || isTable(value)) return value;
  throw new OciError('CONFIG_INVALID', `${key} in ${path} has to be a table`, {
    hint: 'The settings stand below [orchestrator.oci].',
  });
}

/** Dotted paths to the values of a table and of those below it. */
function* flatten(table: Table, prefix = ''): Generator<[key: string, value: unknown]> {
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) yield* flatten(value, `${prefix}${key}.`);
    else yield [prefix + key, value];
  }
}

function unknownKey(key: string, path: string): OciError {
  const known = [...Object.keys(settingDefinitions), ...hostTableNames];
  const tables = new Set(known.map(tableOf));
  // A table that is mistaken is nearer to the right table than its keys are to those of others.
  const [near] = tables.has(tableOf(key))
    ? nearest(key, known, 1)
    : nearest(tableOf(key), tables, 1);
  return new OciError('CONFIG_INVALID', `unknown key orchestrator.oci.${key} in ${path}`, {
    hint: near
      ? `Did you mean ${near}?`
      : `Known keys: ${Object.keys(settingDefinitions).join(', ')}.`,
  });
}

function tableOf(key: string): string {
  return key.split('.', 1)[0] ?? key;
}
