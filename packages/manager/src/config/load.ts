import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import {
  type DirectoryDefault,
  type InProgramTables,
  type Setting,
  type SettingTable,
  environmentName,
} from './setting.js';
import { type SettingKey, type SettingValues, managerSettings } from './settings.js';
import { type UserDirectories, userDirectories } from './user-directories.js';
import { kindOf, readValue } from './value-kind.js';

/** What settings are loaded from. */
export interface SettingInputs<Own extends SettingTable = typeof managerSettings> {
  /** Values given on the command line. */
  readonly flags?: Partial<Record<SettingKey<Own>, unknown>> | undefined;
  /** The file that the program was told; else `OCI_CONFIG`; else the user's file, when there is one. */
  readonly configFile?: string | undefined;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths of flags and variables start from. Default: the working directory. */
  readonly cwd?: string | undefined;
}

/** Loaded settings: those of the manager, and those of a program. */
export interface Settings<Own extends SettingTable = typeof managerSettings> {
  readonly values: SettingValues<Own>;
  /** For every setting that has a value. */
  readonly sources: ReadonlyMap<SettingKey<Own>, SettingSource>;
  /** The file that was read. */
  readonly configFile?: string;
}

/** Where a value came from. */
export type SettingSource =
  | { readonly from: 'flag'; readonly name: string }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'default' };

/**
 * Loads every setting: flags, then the environment, then the file, then defaults.
 *
 * @param own the settings that the program has beside the manager's
 * @throws OciError `CONFIG_INVALID`
 */
export async function loadSettings<const Own extends SettingTable = typeof managerSettings>(
  inputs: SettingInputs<Own> = {},
  own?: InProgramTables<Own>,
): Promise<Settings<Own>> {
  const known: SettingTable = { ...managerSettings, ...own };
  const { env = process.env, cwd = process.cwd() } = inputs;
  const directories = userDirectories(env);
  const configFile = findConfigFile(inputs, { env, cwd, directories });
  const file = configFile === undefined ? undefined : await readFile(configFile, known);
  const flags: Readonly<Record<string, unknown>> = inputs.flags ?? {};
  const layers = { flags, env, file, directories };
  const values: Record<string, unknown> = {};
  const sources = new Map<SettingKey<Own>, SettingSource>();
  for (const [key, setting] of Object.entries(known)) {
    const chosen = choose(key, setting, layers);
    if (!chosen) continue;
    const { raw, source } = chosen;
    values[key] = source.from === 'default' ? raw : checked(key, setting, { raw, source, cwd });
    sources.set(key, source);
  }
  // What has a default has a value now, so nothing that the type promises is missing.
  return {
    values: values as SettingValues<Own>,
    sources,
    ...(configFile !== undefined && { configFile }),
  };
}

/** The file that was read, with the raw values of settings. */
interface LoadedFile {
  readonly path: string;
  readonly settings: ReadonlyMap<string, unknown>;
}

/** Where there is no file, nothing to read TOML has to be loaded. */
async function readFile(path: string, known: SettingTable): Promise<LoadedFile> {
  const { readConfigFile } = await import('./config-file.js');
  return { path, settings: await readConfigFile(path, known) };
}

/** Returns e.g. `flag --registry`, `file /etc/oci.toml`. */
export function describeSource(source: SettingSource): string {
  switch (source.from) {
    case 'flag':
      return `flag ${source.name}`;
    case 'environment':
      return `environment ${source.name}`;
    case 'file':
      return `file ${source.path}`;
    case 'default':
      return 'default';
  }
}

interface Layers {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: LoadedFile | undefined;
  readonly directories: UserDirectories;
}

interface Chosen {
  readonly raw: unknown;
  readonly source: SettingSource;
}

function choose(key: string, setting: Setting, layers: Layers): Chosen | undefined {
  const given = layers.flags[key];
  if (given !== undefined) {
    const { flag: name = `--${key.replaceAll(/[._]/g, '-')}` } = setting;
    return { raw: given, source: { from: 'flag', name } };
  }
  const name = environmentName(key);
  const variable = kindOf(setting.kind).isFileOnly ? undefined : layers.env[name];
  if (variable !== undefined && variable !== '')
    return { raw: variable, source: { from: 'environment', name } };
  const { file } = layers;
  if (file?.settings.has(key))
    return { raw: file.settings.get(key), source: { from: 'file', path: file.path } };
  const value = setting.default;
  const raw = typeof value === 'function' ? (value as DirectoryDefault)(layers.directories) : value;
  return raw === undefined ? undefined : { raw, source: { from: 'default' } };
}

/** @throws OciError `CONFIG_INVALID` */
function checked(
  key: string,
  { kind }: Setting,
  { raw, source, cwd }: Chosen & { readonly cwd: string },
): unknown {
  const { fromText } = kindOf(kind);
  const value = typeof raw === 'string' && fromText ? fromText(raw) : raw;
  const baseDir = source.from === 'file' ? dirname(source.path) : cwd;
  return readValue(kind, value, { key, from: describeSource(source), baseDir });
}

function findConfigFile(
  { configFile }: Pick<SettingInputs, 'configFile'>,
  { env, cwd, directories }: Pick<Layers, 'env' | 'directories'> & { readonly cwd: string },
): string | undefined {
  const named = configFile ?? env['OCI_CONFIG'];
  if (named) return resolve(cwd, named);
  const usual = join(directories.config, 'ocictl', 'config.toml');
  return existsSync(usual) ? usual : undefined;
}
