/** What a setting holds. A `path` is absolute once loaded; a `list` is of strings. */
export type SettingKind = 'text' | 'path' | 'flag' | 'list' | 'milliseconds';

export interface SettingDefinition {
  readonly kind: SettingKind;
  readonly description: string;
}

const define = <K extends SettingKind>(
  kind: K,
  description: string,
): { readonly kind: K; readonly description: string } => ({ kind, description });

/**
 * Every setting below `[orchestrator.oci]`, by its dotted path: the file, the environment and the
 * flags are read, checked and shown by this table alone.
 */
export const settingDefinitions = {
  registry_url: define('text', 'OCI registry HTTP endpoint'),
  namespace: define('text', 'default namespace of extensions'),
  cache_dir: define('path', 'local cache directory for downloaded artifacts'),
  install_dir: define('path', 'where extensions are installed'),
  repositories: define('list', 'repositories to list where the registry has no catalog'),
  plain_http: define('flag', 'use HTTP for a registry that is named without a scheme'),
  insecure: define('flag', 'do not verify TLS certificates'),
  ca_file: define('path', 'PEM file of certificate authorities to trust besides the system'),
  'cache.moving_tag_ttl_ms': define('milliseconds', 'how long latest and other moving tags are believed'),
  'server.listen': define('text', 'address that oci-server listens on, host:port'),
  'server.data_dir': define('path', 'where oci-server keeps hosted repositories'),
} as const satisfies Record<string, SettingDefinition>;

export type SettingKey = keyof typeof settingDefinitions;

interface ValueOf {
  text: string;
  path: string;
  flag: boolean;
  list: readonly string[];
  milliseconds: number;
}

export type SettingValue = ValueOf[SettingKind];

/** The loaded values; only `ca_file` may be absent. */
export type SettingValues = {
  readonly [K in Exclude<SettingKey, 'ca_file'>]: ValueOf[(typeof settingDefinitions)[K]['kind']];
} & { readonly ca_file?: string };

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
