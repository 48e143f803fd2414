import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import { homeDirectory } from '@oci/files';

import { defaultFreshness } from '../freshness.js';
import type { ConfigFile } from './config-file.js';
import { type HostTables, noHostTables } from './host-settings.js';
import { settingValue } from './setting-value.js';
import { serverDefaults } from './server-settings.js';
import {
  type OptionalSettingKey,
  type SettingKey,
  type SettingSource,
  type SettingValue,
  type SettingValues,
  environmentName,
  settingDefinitions,
} from './settings.js';

/** What settings are loaded from. */
export interface SettingInputs {
  /** Values given on the command line. */
  readonly flags?: Partial<Record<SettingKey, unknown>> | undefined;
  /** The file that the program was told; else `OCI_CONFIG`; else the user's file, when there is one. */
  readonly configFile?: string | undefined;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths of flags and variables start from. Default: the working directory. */
  readonly cwd?: string | undefined;
}

export interface Settings {
  readonly values: SettingValues;
  /** For every setting that has a value. */
  readonly sources: ReadonlyMap<SettingKey, SettingSource>;
  /** The file that was read. */
  readonly configFile?: string;
  /** What the file says of single registries. */
  readonly hosts: HostTables;
}

/**
 * Loads every setting: flags, then the environment, then the file, then defaults.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export async function loadSettings(inputs: SettingInputs = {}): Promise<Settings> {
  const env = inputs.env ?? process.env;
  const cwd = inputs.cwd ?? process.cwd();
  const configFile = findConfigFile(inputs, env, cwd);
  const file = configFile === undefined ? undefined : await read(configFile);
  const defaults = defaultValues(env);
  const values: Partial<Record<SettingKey, SettingValue>> = {};
  const sources = new Map<SettingKey, SettingSource>();
  for (const key of Object.keys(settingDefinitions) as SettingKey[]) {
    const chosen = choose(key, {
      flags: inputs.flags,
      env,
      file: file?.settings,
      configFile,
      defaults,
    });
    if (!chosen) continue;
    const { raw, source } = chosen;
    const baseDir = source.from === 'file' ? dirname(source.path) : cwd;
    values[key] = settingValue(key, raw, { where: describeSource(source), baseDir });
    sources.set(key, source);
  }
  // `defaults` has every key that is not optional, so nothing that the type promises is missing.
  return {
    values: values as SettingValues,
    sources,
    hosts: file?.hosts ?? noHostTables,
    ...(configFile !== undefined && { configFile }),
  };
}

/** Where there is no file, nothing to read TOML has to be loaded. */
async function read(path: string): Promise<ConfigFile> {
  const { readConfigFile } = await import('./config-file.js');
  return readConfigFile(path);
}

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
  readonly flags: SettingInputs['flags'];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: ReadonlyMap<SettingKey, unknown> | undefined;
  readonly configFile: string | undefined;
  readonly defaults: Readonly<Partial<Record<SettingKey, SettingValue>>>;
}

function choose(
  key: SettingKey,
  layers: Layers,
): { raw: unknown; source: SettingSource } | undefined {
  const given = layers.flags?.[key];
  if (given !== undefined) {
    const { flag: name = `--${key.replaceAll(/[._]/g, '-')}` } = settingDefinitions[key];
    return { raw: given, source: { from: 'flag', name } };
  }
  const name = environmentName(key);
  const variable = layers.env[name];
  if (variable !== undefined && variable !== '')
    return { raw: variable, source: { from: 'environment', name } };
  if (layers.configFile !== undefined && layers.file?.has(key)) {
    return { raw: layers.file.get(key), source: { from: 'file', path: layers.configFile } };
  }
  const value = layers.defaults[key];
  return value === undefined ? undefined : { raw: value, source: { from: 'default' } };
}

function findConfigFile(
  inputs: SettingInputs,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string | undefined {
  const named = inputs.configFile ?? env['OCI_CONFIG'];
  if (named) return resolve(cwd, named);
  const directory = configured(env['XDG_CONFIG_HOME']) ?? join(homeDirectory(), '.config');
  // Never below the temporary directory: others may write there.
  const usual = join(directory, 'ocictl', 'config.toml');
  return existsSync(usual) ? usual : undefined;
}

function defaultValues(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<Exclude<SettingKey, OptionalSettingKey>, SettingValue>> {
  const data = userDirectory(env['XDG_DATA_HOME'], '.local/share');
  return {
    registry_url: 'http://localhost:5000',
    namespace: 'provisioning-extensions',
    cache_dir: join(userDirectory(env['XDG_CACHE_HOME'], '.cache'), 'ocictl'),
    install_dir: join(data, 'ocictl', 'extensions'),
    repositories: [],
    plain_http: false,
    insecure: false,
    'cache.moving_tag_ttl_ms': defaultFreshness.movingTagTtlMs,
    'cache.stale_if_error_ms': defaultFreshness.staleIfErrorMs,
    'cache.fsync': true,
    'cache.prune_every_ms': 60 * 60_000,
    ...serverDefaults,
    'server.data_dir': join(data, 'oci-server'),
  };
}

/** A directory to write to, of the XDG kind; below the temporary one where the home can't be written to. */
function userDirectory(variable: string | undefined, fallback: string): string {
  const inHome = join(homeDirectory(), fallback);
  const hasHome = homeDirectory() !== '' && homeDirectory() !== '/' && canWrite(inHome);
  return configured(variable) ?? (hasHome ? inHome : join(temporaryHome(), fallback));
}

/** Ours alone: a directory that somebody else put there under the same name is left to them. */
function temporaryHome(): string {
  const user = process.getuid?.() ?? 0;
  const home = join(tmpdir(), `ocictl-${user}`);
  try {
    mkdirSync(home, { mode: 0o700 });
  } catch {
    const found = lstatSync(home, { throwIfNoEntry: false });
    const isOurs = found?.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
    if (found && !isOurs) return `${home}-${randomUUID()}`;
  }
  return home;
}

/** The XDG directories are absolute; others are to be ignored. */
function configured(variable: string | undefined): string | undefined {
  return variable?.startsWith('/') ? variable : undefined;
}

/** Whether a directory is there for us to write to, or can be made. */
function canWrite(path: string): boolean {
  if (!existsSync(path)) return path !== dirname(path) && canWrite(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
