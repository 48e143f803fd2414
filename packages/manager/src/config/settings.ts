import {
  type OptionalServerKey,
  type ServerSettingKinds,
  serverSettings,
} from './server-settings.js';

/** What a setting holds. A `path` is absolute once loaded; a `list` is of strings. */
type SettingKind =
  'text' | 'path' | 'flag' | 'list' | 'milliseconds' | 'count' | 'tables' | 'bytes';

export interface SettingDefinition {
  readonly kind: SettingKind;
  readonly description: string;
  /** Of the command line, when it is not the key with dashes. */
  readonly flag?: string;
}

/** The kind of every setting, by its dotted path below `[orchestrator.oci]`. */
export interface SettingKinds extends ServerSettingKinds {
  registry_url: 'text';
  namespace: 'text';
  cache_dir: 'path';
  install_dir: 'path';
  repositories: 'list';
  plain_http: 'flag';
  insecure: 'flag';
  ca_file: 'path';
  token_cache_file: 'path';
  registries_conf: 'path';
  certs_dir: 'path';
  'cache.moving_tag_ttl_ms': 'milliseconds';
  'cache.stale_if_error_ms': 'milliseconds';
  'cache.fsync': 'flag';
  'cache.prune_every_ms': 'milliseconds';
  'cache.max_age_days': 'count';
  'cache.max_unused_days': 'count';
  'cache.max_versions': 'count';
  'cache.max_size': 'bytes';
}

/** Every setting: the file, the environment and the flags are read, checked and shown by this table alone. */
export const settingDefinitions: {
  readonly [K in keyof SettingKinds]: SettingDefinition & { readonly kind: SettingKinds[K] };
} = {
  registry_url: { kind: 'text', description: 'OCI registry HTTP endpoint', flag: '--registry' },
  namespace: { kind: 'text', description: 'default namespace of extensions' },
  cache_dir: { kind: 'path', description: 'local cache directory for downloaded artifacts' },
  install_dir: { kind: 'path', description: 'where extensions are installed' },
  repositories: {
    kind: 'list',
    description: 'repositories to list where the registry has no catalog',
  },
  plain_http: {
    kind: 'flag',
    description: 'use HTTP for a registry that is named without a scheme',
  },
  insecure: { kind: 'flag', description: 'do not verify TLS certificates' },
  ca_file: { kind: 'path', description: 'PEM file of authorities to trust besides the system' },
  token_cache_file: {
    kind: 'path',
    description: 'keeps tokens for the next process, sealed, in this file',
  },
  registries_conf: {
    kind: 'path',
    description: 'registries.conf (containers) to take mirrors from',
  },
  certs_dir: {
    kind: 'path',
    description: 'certs.d (docker, containerd) to take certificates and mirrors from',
  },
  'cache.moving_tag_ttl_ms': {
    kind: 'milliseconds',
    description: 'how long moving tags are believed',
  },
  'cache.stale_if_error_ms': {
    kind: 'milliseconds',
    description: 'how long a moving tag is used on when its registry does not answer',
  },
  'cache.fsync': {
    kind: 'flag',
    description: 'write through to the disk; false for throw-away machines',
  },
  'cache.prune_every_ms': {
    kind: 'milliseconds',
    description: 'how often a program that stays prunes; 0 for at its start only',
  },
  'cache.max_age_days': {
    kind: 'count',
    description: 'days since it came, after which a version is pruned',
  },
  'cache.max_unused_days': {
    kind: 'count',
    description: 'days without use, after which a version is pruned',
  },
  'cache.max_versions': { kind: 'count', description: 'versions of a package that are kept' },
  'cache.max_size': {
    kind: 'bytes',
    description: 'size of the cache, above which the least used is pruned, e.g. 10GiB',
  },
  ...serverSettings,
};

export type SettingKey = keyof SettingKinds;

interface ValueOf {
  text: string;
  path: string;
  flag: boolean;
  list: readonly string[];
  milliseconds: number;
  count: number;
  tables: readonly SettingTable[];
  bytes: number;
}

/** A table of a list of tables, as it stands in the file; whoever uses it checks its keys. */
export type SettingTable = Readonly<Record<string, unknown>>;

export type SettingValue = ValueOf[SettingKind];

/** What has no default. */
export type OptionalSettingKey =
  | 'ca_file'
  | 'token_cache_file'
  | 'registries_conf'
  | 'certs_dir'
  | 'cache.max_age_days'
  | 'cache.max_unused_days'
  | 'cache.max_versions'
  | 'cache.max_size'
  | OptionalServerKey;

/** The loaded values; only what has no default may be absent. */
export type SettingValues = {
  readonly [K in Exclude<SettingKey, OptionalSettingKey>]: ValueOf[SettingKinds[K]];
} & { readonly [K in OptionalSettingKey]?: ValueOf[SettingKinds[K]] };

/** Where a value came from. */
export type SettingSource =
  | { readonly from: 'flag'; readonly name: string }
  | { readonly from: 'environment'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'default' };

/** `OCI_` and the key's path in capitals. */
export function environmentName(key: SettingKey): string {
  return `OCI_${key.replaceAll('.', '_').toUpperCase()}`;
}

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settingDefinitions, key);
}
