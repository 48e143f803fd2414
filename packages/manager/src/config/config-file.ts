import { readFile } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';
import { parse } from 'smol-toml';

import { nearest } from '../nearest.js';
import { interpolate } from './interpolation.js';
import { type SettingKey, isSettingKey, settingDefinitions } from './settings.js';

type Table = Readonly<Record<string, unknown>>;

/**
 * The settings of a TOML file's `[orchestrator.oci]`, interpolated. The file is the orchestrator's:
 * its other tables are not ours to judge, but a key of ours that is unknown is a mistake.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function readConfigFile(path: string): Promise<ReadonlyMap<SettingKey, unknown>> {
  const document = parseToml(await readText(path), path);
  const orchestrator = tableAt(document, 'orchestrator', path);
  const oci = orchestrator && tableAt(orchestrator, 'oci', path);
  const found = new Map<SettingKey, unknown>();
  for (const [key, value] of flatten(oci ?? {})) {
    if (!isSettingKey(key)) throw unknownKey(key, path);
    found.set(key, interpolate(value, { document, path, key }));
  }
  return found;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'can not be read';
    throw new OciError('CONFIG_INVALID', `the configuration file ${path} ${why}`, {
      cause,
      hint: 'It is named by --config or OCI_CONFIG.',
    });
  }
}

function parseToml(text: string, path: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    const first = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new OciError('CONFIG_INVALID', `the configuration file ${path} is not TOML: ${first}`, {
      cause,
      hint: 'Texts are in quotes, and tables in brackets: see the TOML specification.',
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

function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

function unknownKey(key: string, path: string): OciError {
  const [near] = nearest(key, Object.keys(settingDefinitions), 1);
  return new OciError('CONFIG_INVALID', `unknown key orchestrator.oci.${key} in ${path}`, {
    hint: near
      ? `Did you mean ${near}?`
      : `Known keys: ${Object.keys(settingDefinitions).join(', ')}.`,
  });
}
