import { isSettableHeader } from '@oci/client/transport';
import { parseRegistryHost } from '@oci/spec-types';

import { type NamedTables, namedTables } from './named-tables.js';
import { type TableValues, readTable } from './table-fields.js';
import { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';

/** How a host is reached; files are named, and not read yet. */
const hostFields = {
  plain_http: 'flag',
  insecure: 'flag',
  ca_file: 'path',
  client_cert_file: 'path',
  client_key_file: 'path',
  trusted_realms: 'list',
  headers: 'texts',
} as const;

const registryFields = { blocked: 'flag' } as const;

const mirrorFields = {
  location: { required: 'text' },
  repositories: 'text',
  pull_from_mirror: { choice: ['all', 'digest-only', 'tag-only'] },
  ns: 'flag',
} as const;

export type HostSettings = TableValues<typeof hostFields>;
export type MirrorTable = HostSettings & TableValues<typeof mirrorFields>;

export type RegistryTables = ReadonlyMap<string, HostSettings & TableValues<typeof registryFields>>;
export type MirrorTables = ReadonlyMap<string, readonly MirrorTable[]>;

/** Tables of single registries are found by `host[:port]`. */
export const byRegistry: Pick<NamedTables<unknown>, 'parseName' | 'nameHint'> = {
  parseName: parseRegistryHost,
  nameHint: 'host[:port], as references write it, in quotes and without https://',
};

/** `[orchestrator.oci.registries."registry.example"]` */
export const registryTables: ValueKind<RegistryTables> = namedTables({
  ...byRegistry,
  read: (value, place) =>
    checked(readTable(value, place, { ...hostFields, ...registryFields }), place),
});

/** `[[orchestrator.oci.mirrors."registry.example"]]` */
export const mirrorTables: ValueKind<MirrorTables> = namedTables({
  ...byRegistry,
  read: (value, place) => {
    const tables: unknown[] = Array.isArray(value) ? value : [value];
    return tables.map((table, index) => {
      const at = { ...place, key: `${place.key}[${index}]` };
      return checked(readTable(table, at, { ...hostFields, ...mirrorFields }), at);
    });
  },
});

function checked<T extends HostSettings>(host: T, place: ValuePlace): T {
  if ((host.client_cert_file === undefined) !== (host.client_key_file === undefined))
    throw invalidValue(place, 'needs client_cert_file and client_key_file together');
  if (Object.keys(host.headers ?? {}).some((name) => !isSettableHeader(name)))
    throw invalidValue(place, 'has a header that cannot be set here');
  return host;
}
