import { type PullFromMirror, isSettableHeader } from '@oci/client';

import { OciError, parseRegistryHost } from '@oci/spec-types';

import { type Table, TableReader, isTable } from './table-reader.js';
import { type TrustSettings, parseTrustScope, readTrust } from './trust-settings.js';

/** How a host is reached, as it is written: with the paths of its files. */
export interface HostSettings {
  readonly plainHttp?: boolean | undefined;
  readonly insecure?: boolean | undefined;
  readonly caFile?: string | undefined;
  readonly clientCertFile?: string | undefined;
  readonly clientKeyFile?: string | undefined;
  readonly trustedRealms?: readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface MirrorSettings extends HostSettings {
  readonly location: string;
  readonly repositories?: string | undefined;
  readonly pullFrom?: PullFromMirror | undefined;
  readonly ns?: boolean | undefined;
}

/** Where a secret is, never the secret. */
export type SecretPlace = { readonly file: string } | { readonly variable: string };

export type CredentialSettings =
  | { readonly kind: 'password'; readonly username: string; readonly password: SecretPlace }
  | { readonly kind: 'refresh'; readonly token: SecretPlace }
  | { readonly kind: 'helper'; readonly suffix: string }
  | { readonly kind: 'anonymous' };

/** What a configuration says of single registries, by `host[:port]`. */
export interface HostTables {
  readonly registries: ReadonlyMap<
    string,
    HostSettings & { readonly blocked?: boolean | undefined }
  >;
  readonly mirrors: ReadonlyMap<string, readonly MirrorSettings[]>;
  readonly credentials: ReadonlyMap<string, CredentialSettings>;
  /** Who has to have signed, by `host`, `host/path` or `*`. */
  readonly trust: ReadonlyMap<string, TrustSettings>;
}

/** The names of the tables, which are no settings of their own. */
export const hostTableNames = ['registries', 'mirrors', 'credentials', 'trust'] as const;

export const noHostTables: HostTables = {
  registries: new Map(),
  mirrors: new Map(),
  credentials: new Map(),
  trust: new Map(),
};

interface Place {
  /** The file, for messages. */
  readonly path: string;
  readonly baseDir: string;
}

/** @throws OciError `CONFIG_INVALID` */
export function readHostTables(oci: Table, place: Place): HostTables {
  const at = <T>(
    name: string,
    read: (value: unknown, where: Where) => T,
    keyOf: (text: string) => string = parseRegistryHost,
  ): Map<string, T> => {
    const tables = new Map<string, T>();
    for (const [key, value] of Object.entries(tableOf(oci, name, place))) {
      const where = `${name}."${key}" in ${place.path}`;
      const parsed = keyIn(key, where, keyOf);
      if (tables.has(parsed)) {
        throw new OciError('CONFIG_INVALID', `${where}: there is another table of ${parsed}`, {
          hint: 'Only one of them can count: put them together.',
        });
      }
      tables.set(parsed, read(value, { where, baseDir: place.baseDir }));
    }
    return tables;
  };
  return {
    registries: at('registries', readRegistry),
    mirrors: at('mirrors', readMirrors),
    credentials: at('credentials', readCredential),
    trust: at('trust', (value, where) => readTrust(new TableReader(value, where)), parseTrustScope),
  };
}

type Where = ConstructorParameters<typeof TableReader>[1];

function tableOf(oci: Table, name: string, { path }: Place): Table {
  const value = oci[name] ?? {};
  if (isTable(value)) return value;
  throw new OciError('CONFIG_INVALID', `${name} in ${path} has to be a table of registries`, {
    hint: `Write [orchestrator.oci.${name}."registry.example"].`,
  });
}

function keyIn(text: string, where: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `${where}: the registry is not host[:port]`, {
      cause,
      hint: 'Write the name as in references, in quotes and without https://.',
    });
  }
}

function readRegistry(
  value: unknown,
  where: Where,
): HostSettings & { readonly blocked?: boolean | undefined } {
  const table = new TableReader(value, where);
  const settings = { ...readHost(table), blocked: table.flag('blocked') };
  table.end();
  return settings;
}

function readHost(table: TableReader): HostSettings {
  const settings = {
    plainHttp: table.flag('plain_http'),
    insecure: table.flag('insecure'),
    caFile: table.path('ca_file'),
    clientCertFile: table.path('client_cert_file'),
    clientKeyFile: table.path('client_key_file'),
    trustedRealms: table.list('trusted_realms'),
    headers: table.texts('headers'),
  };
  if ((settings.clientCertFile === undefined) !== (settings.clientKeyFile === undefined))
    throw table.invalid('needs client_cert_file and client_key_file together');
  if (Object.keys(settings.headers ?? {}).some((name) => !isSettableHeader(name)))
    throw table.invalid('has a header that can not be set here');
  return settings;
}

function readMirrors(value: unknown, where: Where): readonly MirrorSettings[] {
  const tables: unknown[] = Array.isArray(value) ? value : [value];
  return tables.map((item) => {
    const table = new TableReader(item, where);
    const location = table.text('location');
    const mirror = {
      ...readHost(table),
      repositories: table.text('repositories'),
      pullFrom: table.choice('pull_from_mirror', ['all', 'digest-only', 'tag-only']),
      ns: table.flag('ns'),
    };
    table.end();
    if (location === undefined) throw table.invalid('needs a location');
    return { ...mirror, location };
  });
}

function readCredential(value: unknown, where: Where): CredentialSettings {
  const table = new TableReader(value, where);
  const username = table.text('username');
  const secret = (key: string): SecretPlace | undefined => {
    const file = table.path(`${key}_file`);
    const variable = table.text(`${key}_env`);
    if (file !== undefined) return { file };
    return variable === undefined ? undefined : { variable };
  };
  const password = secret('password');
  const token = secret('token');
  const suffix = table.text('helper');
  const anonymous = table.flag('anonymous');
  if (isTable(value) && ('password' in value || 'token' in value))
    throw table.invalid('holds a secret; name a file or a variable (password_file, password_env)');
  table.end();
  if (username !== undefined && password && !token && !suffix && !anonymous)
    return { kind: 'password', username, password };
  if (username === undefined && !password && token && !suffix && !anonymous)
    return { kind: 'refresh', token };
  if (username === undefined && !password && !token && suffix !== undefined && !anonymous)
    return { kind: 'helper', suffix };
  if (anonymous && username === undefined && !password && !token && !suffix)
    return { kind: 'anonymous' };
  throw table.invalid(
    'needs one of: username with password_file or password_env; token_file or token_env; helper; anonymous',
  );
}
