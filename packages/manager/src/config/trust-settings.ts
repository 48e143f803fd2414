import { createHash } from 'node:crypto';

import { OciError, parseRegistryHost, parseRepositoryName } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { FingerprintedAuthority, TrustRule } from '../trust-policy.js';
import { namedTables } from './named-tables.js';
import { type TableValues, readTable } from './table-fields.js';
import { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';

const trustFields = {
  require: { choice: ['signature', 'nothing', 'reject'] },
  keys: 'paths',
  trusted_root: 'path',
  certificate_identity: 'text',
  certificate_oidc_issuer: 'text',
} as const;

/** Who has to have signed, with the paths of the files that say so. */
export type TrustTable = TableValues<typeof trustFields>;

export type TrustTables = ReadonlyMap<string, TrustTable>;

/** `[orchestrator.oci.trust."registry.example/team"]` */
export const trustTables: ValueKind<TrustTables> = namedTables({
  parseName: parseTrustScope,
  nameHint: 'host, host/path or *, without https://',
  read: readTrust,
});

/** `host`, `host/path` or `*`. @throws OciError `REFERENCE_INVALID` */
function parseTrustScope(text: string): string {
  if (text === '*') return text;
  const [name = '', ...path] = text.split('/');
  // As references are read: a rule for Registry.Example or index.docker.io must not be for nobody.
  const host = parseRegistryHost(name);
  return path.length === 0 ? host : `${host}/${parseRepositoryName(path.join('/'))}`;
}

function readTrust(value: unknown, place: ValuePlace): TrustTable {
  const table = readTable(value, place, trustFields);
  const keyless = [table.trusted_root, table.certificate_identity, table.certificate_oidc_issuer];
  const given = keyless.filter((item) => item !== undefined).length;
  if (given % keyless.length > 0) {
    throw invalidValue(
      place,
      'needs trusted_root, certificate_identity and certificate_oidc_issuer together',
    );
  }
  const requires = requirementOf(table);
  const isGiven = given > 0 || (table.keys ?? []).length > 0;
  if (requires === 'signature' && !isGiven)
    throw invalidValue(
      place,
      'requires a signature, and does not say whose: keys, or a trusted_root',
    );
  if (requires !== 'signature' && isGiven)
    throw invalidValue(place, `says whose signature, and requires ${requires}`);
  return table;
}

function requirementOf({ require: requires = 'signature' }: TrustTable): TrustRule['require'] {
  return requires;
}

/** The rules of the tables; the files are read when the first artifact needs them. */
export function trustRules(tables: ReadonlyMap<string, TrustTable>): readonly TrustRule[] {
  return [...tables].map(([scope, table]) => {
    let loading: Promise<FingerprintedAuthority> | undefined;
    const authority = (): Promise<FingerprintedAuthority> =>
      (loading ??= loadAuthority(scope, table));
    return { scope, require: requirementOf(table), authority };
  });
}

async function loadAuthority(scope: string, table: TrustTable): Promise<FingerprintedAuthority> {
  const { keys = [], trusted_root: trustedRoot } = table;
  const { certificate_identity: identity = '', certificate_oidc_issuer: issuer = '' } = table;
  const { keylessVerifier, readPublicKey } = await import('../signing/index.js');
  const hash = createHash('sha256');
  const contentOf = async (path: string): Promise<Buffer> => {
    const bytes = await readNamedFile(path).catch((cause: unknown) => {
      throw unusable(scope, path, cause);
    });
    hash.update(`${bytes.byteLength} `).update(bytes);
    return bytes;
  };
  const read = [];
  for (const path of keys) {
    const text = String(await contentOf(path));
    read.push(orUnusable(scope, path, () => readPublicKey(text)));
  }
  hash.update(JSON.stringify([identity, issuer]));
  if (trustedRoot === undefined) return { keys: read, fingerprint: hash.digest('hex') };
  const root = await contentOf(trustedRoot);
  const keyless = orUnusable(scope, trustedRoot, () =>
    keylessVerifier(root, [{ identity, issuer }]),
  );
  return { keys: read, keyless, fingerprint: hash.digest('hex') };
}

function orUnusable<T>(scope: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw unusable(scope, path, cause);
  }
}

function unusable(scope: string, path: string, cause: unknown): OciError {
  const words = cause instanceof Error ? cause.message : String(cause);
  return new OciError('CONFIG_INVALID', `trust."${scope}": ${path} cannot be used: ${words}`, {
    cause,
    hint: 'Without it nothing of this scope can be trusted.',
  });
}
