import { createHash } from 'node:crypto';

import { OciError, isOciError, parseRegistryHost, parseRepositoryName } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { AttestationConditions } from '../signing/attestation-conditions.js';
import { type IdentityRule, checkIdentity } from '../signing/identity-pattern.js';
import { parsePredicateType } from '../signing/predicate-type.js';
import type { PublicKey } from '../signing/signing-key.js';
import type { RequiredAttestation } from '../signing/verify-trust.js';
import type { FingerprintedAuthority, TrustRule } from '../trust-policy.js';
import { namedTables } from './named-tables.js';
import { type TableValues, readTable } from './table-fields.js';
import { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';

const trustFields = {
  keys: 'paths',
  identities: 'tables',
  require: { choice: ['signature', 'nothing', 'reject'] },
  mode: { choice: ['enforce', 'warn'] },
  threshold: 'count',
  trusted_root: 'path',
  certificate_identity: 'text',
  certificate_oidc_issuer: 'text',
  attestations: 'tables',
} as const;

const identityFields = {
  identity: { required: 'text' },
  issuer: { required: 'text' },
} as const;

const attestationFields = {
  keys: 'paths',
  identities: 'tables',
  type: { required: 'text' },
  builder: 'text',
  source_repository: 'text',
  source_ref: 'text',
  workflow: 'text',
  max_age_days: 'count',
} as const;

/** Who may sign, with the paths of the files of their keys. */
interface AuthorityTable {
  readonly keys?: readonly string[] | undefined;
  readonly identities: readonly IdentityRule[];
}

type AttestationTable = Omit<TableValues<typeof attestationFields>, 'identities'> & AuthorityTable;

/** Who has to have signed, with the paths of the files that say so. */
export type TrustTable = Omit<
  TableValues<typeof trustFields>,
  'identities' | 'attestations' | 'certificate_identity' | 'certificate_oidc_issuer'
> &
  AuthorityTable & { readonly attestations: readonly AttestationTable[] };

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
  const {
    certificate_identity: identity,
    certificate_oidc_issuer: issuer,
    ...table
  } = readTable(value, place, trustFields);
  if ((identity === undefined) !== (issuer === undefined))
    throw invalidValue(place, 'needs certificate_identity and certificate_oidc_issuer together');
  const identities = [
    ...(identity !== undefined && issuer !== undefined ? [{ identity, issuer }] : []),
    ...readIdentities(table.identities, place),
  ];
  for (const rule of identities) ensureIdentity(rule, place);
  const attestations = (table.attestations ?? []).map((one, at) =>
    readAttestation(one, { ...place, key: `${place.key}.attestations.${at}` }),
  );
  const trust = { ...table, identities, attestations };
  ensureWhole(trust, place);
  return trust;
}

function readIdentities(
  tables: readonly unknown[] = [],
  place: ValuePlace,
): readonly IdentityRule[] {
  return tables.map((one, at) =>
    readTable(one, { ...place, key: `${place.key}.identities.${at}` }, identityFields),
  );
}

function readAttestation(value: unknown, place: ValuePlace): AttestationTable {
  const table = readTable(value, place, attestationFields);
  const identities = readIdentities(table.identities, place);
  for (const rule of identities) ensureIdentity(rule, place);
  orInvalid(place, () => parsePredicateType(table.type));
  return { ...table, identities };
}

function ensureIdentity({ identity }: IdentityRule, place: ValuePlace): void {
  orInvalid(place, () => checkIdentity(identity));
}

function orInvalid(place: ValuePlace, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw isOciError(error) ? invalidValue(place, `is wrong: ${error.message}`) : error;
  }
}

/** Refuses a table that asks for nothing, for what nobody could give, or for what it does not use. */
function ensureWhole(table: TrustTable, place: ValuePlace): void {
  const { keys = [], identities, attestations, trusted_root: root, threshold = 1 } = table;
  const voices = keys.length + identities.length;
  const named = [identities, ...attestations.map((one) => one.identities)].flat();
  if (named.length > 0 !== (root !== undefined)) {
    throw invalidValue(
      place,
      'needs trusted_root, certificate_identity and certificate_oidc_issuer together',
    );
  }
  const requires = requirementOf(table);
  const isGiven = voices > 0 || attestations.length > 0;
  if (requires !== 'signature' && (isGiven || table.threshold !== undefined))
    throw invalidValue(place, `says whose signature, and requires ${requires}`);
  if (requires !== 'signature') return;
  if (threshold === 0 && attestations.length === 0)
    throw invalidValue(place, 'has the threshold 0, and requires no attestation');
  if (threshold > 0 && voices === 0)
    throw invalidValue(
      place,
      'requires a signature, and does not say whose: keys, or a trusted_root',
    );
  if (threshold > voices && threshold > 0)
    throw invalidValue(place, `has the threshold ${threshold}, and names ${voices} who may sign`);
  const lacking = attestations.find(
    (one) => voices + (one.keys ?? []).length + one.identities.length === 0,
  );
  if (lacking) throw invalidValue(place, `does not say who may attest ${lacking.type}`);
}

function requirementOf({
  require: requires = 'signature',
}: Pick<TrustTable, 'require'>): TrustRule['require'] {
  return requires;
}

/** The rules of the tables; the files are read when the first artifact needs them. */
export function trustRules(tables: ReadonlyMap<string, TrustTable>): readonly TrustRule[] {
  return [...tables].map(([scope, table]) => {
    let loading: Promise<FingerprintedAuthority> | undefined;
    const authority = (): Promise<FingerprintedAuthority> => (loading ??= loadDemand(scope, table));
    const { mode } = table;
    return { scope, require: requirementOf(table), mode, authority };
  });
}

async function loadDemand(scope: string, table: TrustTable): Promise<FingerprintedAuthority> {
  const { trusted_root: trustedRoot, threshold, attestations } = table;
  const { keylessVerifier, readPublicKey } = await import('../signing/index.js');
  const hash = createHash('sha256');
  const contentOf = async (path: string): Promise<Buffer> => {
    const bytes = await readNamedFile(path).catch((cause: unknown) => {
      throw unusable(scope, path, cause);
    });
    hash.update(`${bytes.byteLength} `).update(bytes);
    return bytes;
  };
  const root = trustedRoot === undefined ? undefined : await contentOf(trustedRoot);
  const authorityOf = async ({ keys: paths = [], identities }: AuthorityTable) => {
    const keys: PublicKey[] = [];
    for (const path of paths) {
      const text = String(await contentOf(path));
      keys.push(orUnusable(scope, path, () => readPublicKey(text)));
    }
    if (root === undefined || identities.length === 0) return { keys };
    const keyless = orUnusable(scope, trustedRoot ?? '', () => keylessVerifier(root, identities));
    return { keys, keyless };
  };
  const own = await authorityOf(table);
  const required: RequiredAttestation[] = [];
  for (const one of attestations) {
    const isOwn = (one.keys ?? []).length + one.identities.length === 0;
    const authority = isOwn ? own : await authorityOf(one);
    required.push({ predicateType: one.type, conditions: conditionsOf(one), authority });
  }
  hash.update(JSON.stringify([table.identities, threshold, attestations]));
  return { ...own, threshold, attestations: required, fingerprint: hash.digest('hex') };
}

function conditionsOf(table: AttestationTable): AttestationConditions {
  const { builder, source_repository: repository, source_ref: ref, workflow } = table;
  return { builder, repository, ref, workflow, maxAgeDays: table.max_age_days };
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
