import { join } from 'node:path';

import { defaultFreshness } from '../freshness.js';
import { type CredentialTables, credentialTables } from './credential-settings.js';
import {
  type MirrorTables,
  type RegistryTables,
  mirrorTables,
  registryTables,
} from './host-settings.js';
import { type RouteSettings, routeSettings } from './route-settings.js';
import type { SettingTable, ValuesOf } from './setting.js';
import { type TrustTables, trustTables } from './trust-settings.js';
import type { UserDirectories } from './user-directories.js';
import type { ValueKind } from './value-kind.js';

// oxlint-disable typescript/no-unnecessary-type-assertion -- The declarations of this file need these types (isolatedDeclarations).

/** The settings of every program: which registries, how they are reached, what the cache keeps. */
export const managerSettings = {
  registry_url: {
    kind: 'text',
    description: 'OCI registry HTTP endpoint',
    flag: '--registry',
    default: 'http://localhost:5000',
  },
  namespace: {
    kind: 'text',
    description: 'default namespace of extensions',
    default: 'provisioning-extensions',
  },
  cache_dir: {
    kind: 'path',
    description: 'local cache directory for downloaded artifacts',
    default: ({ cache }: UserDirectories): string => join(cache, 'ocictl'),
  },
  install_dir: {
    kind: 'path',
    description: 'where extensions are installed',
    default: ({ data }: UserDirectories): string => join(data, 'ocictl', 'extensions'),
  },
  repositories: {
    kind: 'list',
    description: 'repositories to list where a registry has no catalog',
    default: [],
  },
  routes: {
    kind: routeSettings as ValueKind<RouteSettings>,
    description: 'registries of names, by patterns as kcl/team-*; all others have registry_url',
    default: new Map() as RouteSettings,
  },
  routes_only: {
    kind: 'flag',
    description: 'refuse names without a route',
    default: false,
  },
  plain_http: {
    kind: 'flag',
    description: 'use HTTP for a registry that is named without a scheme',
    default: false,
  },
  insecure: { kind: 'flag', description: 'do not verify TLS certificates', default: false },
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
  'cache.pulls': {
    kind: 'flag',
    description: 'take the files of any artifact through the cache, as packages are',
    default: false,
  },
  'cache.moving_tag_ttl_ms': {
    kind: 'milliseconds',
    description: 'how long moving tags are believed',
    default: defaultFreshness.movingTagTtlMs as number,
  },
  'cache.stale_if_error_ms': {
    kind: 'milliseconds',
    description: 'how long a stale tag may be served while the registry is unreachable',
    default: defaultFreshness.staleIfErrorMs as number,
  },
  'cache.fsync': {
    kind: 'flag',
    description: 'write through to the disk; false for throw-away machines',
    default: true,
  },
  'cache.prune_every_ms': {
    kind: 'milliseconds',
    description: 'how often a program that stays prunes; 0 for at its start only',
    default: 3_600_000,
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
  registries: {
    kind: registryTables as ValueKind<RegistryTables>,
    description: 'how single registries are reached, by host[:port]',
    default: new Map() as RegistryTables,
  },
  mirrors: {
    kind: mirrorTables as ValueKind<MirrorTables>,
    description: 'mirrors of single registries, by host[:port]',
    default: new Map() as MirrorTables,
  },
  credentials: {
    kind: credentialTables as ValueKind<CredentialTables>,
    description: 'credentials of single registries, by host[:port]',
    default: new Map() as CredentialTables,
  },
  trust: {
    kind: trustTables as ValueKind<TrustTables>,
    description: 'who has to have signed, by host, host/path or *',
    default: new Map() as TrustTables,
  },
} as const;

type ManagerSettings = typeof managerSettings;

/** The values of {@link managerSettings} and of a program's own settings. */
export type SettingValues<Own extends SettingTable = ManagerSettings> = ValuesOf<
  ManagerSettings & Own
>;

export type SettingKey<Own extends SettingTable = ManagerSettings> = keyof SettingValues<Own> &
  string;
