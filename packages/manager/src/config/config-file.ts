import { OciError } from '@oci/spec-types';
import { nearest } from '@oci/spec-types/text';
import { readNamedFile } from '@oci/files';

import { interpolate } from './interpolation.js';
import { type SettingTable, programTables } from './setting.js';
import { type Table, isTable } from './table.js';
import { parseToml } from './toml.js';

/**
 * The settings in a TOML file's `[orchestrator.oci]`, interpolated, by their dotted path. The file is the
 * orchestrator's: other tables, and those of other programs ({@link programTables}), are not checked; an
 * unknown key beside `known` is a mistake.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function readConfigFile(
  path: string,
  known: SettingTable,
): Promise<ReadonlyMap<string, unknown>> {
  const document = parseToml(await readText(path), `the configuration file ${path}`);
  const orchestrator = tableAt(document, 'orchestrator', path);
  const oci = orchestrator && tableAt(orchestrator, 'oci', path);
  refuseMisplaced(document, { path, known, isEmpty: oci === undefined });
  const own = new Set(Object.keys(known).map(tableOf));
  const settings = new Map<string, unknown>();
  for (const [name, value] of Object.entries(oci ?? {})) {
    if (!own.has(name) && isProgramTable(name)) continue;
    for (const [key, item] of flatten({ [name]: value }, known)) {
      if (!Object.hasOwn(known, key)) throw unknownKey(key, known, path);
      settings.set(key, interpolate(item, { document, path, key }));
    }
  }
  return settings;
}

/**
 * Refuses what looks like our tables and is in the wrong place: a rule of access that nobody reads lets everybody in.
 * Other tables are the orchestrator's.
 */
function refuseMisplaced(
  document: Table,
  { path, known, isEmpty }: { path: string; known: SettingTable; isEmpty: boolean },
): void {
  const tables = new Set([...Object.keys(known).map(tableOf), ...programTables]);
  for (const [name, value] of Object.entries(document)) {
    if (name === 'orchestrator' || !isTable(value)) continue;
    const isMistyped = isTable(value['oci']) && nearest(name, ['orchestrator'], 1).length > 0;
    if (isMistyped || (isEmpty && tables.has(name)))
      throw misplaced(name, isMistyped ? 'orchestrator' : `orchestrator.oci.${name}`, path);
  }
}

function misplaced(name: string, meant: string, path: string): OciError {
  return new OciError('CONFIG_INVALID', `nothing reads the table [${name}] in ${path}`, {
    hint: `Did you mean [${meant}]?`,
  });
}

function isProgramTable(name: string): boolean {
  return programTables.some((table) => table === name);
}

async function readText(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path));
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read';
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

/** Dotted paths to the values of a table and of those below it, until one is a setting. */
function* flatten(
  table: Table,
  known: SettingTable,
  prefix = '',
): Generator<[key: string, value: unknown]> {
  for (const [name, value] of Object.entries(table)) {
    const key = prefix + name;
    if (isTable(value) && !Object.hasOwn(known, key)) yield* flatten(value, known, `${key}.`);
    else yield [key, value];
  }
}

function unknownKey(key: string, known: SettingTable, path: string): OciError {
  const keys = Object.keys(known);
  const tables = new Set([...keys.map(tableOf), ...programTables]);
  // A table that is mistaken is nearer to the right table than its keys are to those of others.
  const [near] = tables.has(tableOf(key))
    ? nearest(key, keys, 1)
    : nearest(tableOf(key), tables, 1);
  return new OciError('CONFIG_INVALID', `unknown key orchestrator.oci.${key} in ${path}`, {
    hint: near ? `Did you mean ${near}?` : `Known keys: ${keys.join(', ')}.`,
  });
}

function tableOf(key: string): string {
  return key.split('.', 1)[0] ?? key;
}
