import { byRegistry } from './host-settings.js';
import { namedTables } from './named-tables.js';
import { type TableValues, readTable } from './table-fields.js';
import { isTable } from './table.js';
import { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';

/** A secret is in a file or a variable that is named, and never here. */
const credentialFields = {
  username: 'text',
  password_file: 'path',
  password_env: 'text',
  token_file: 'path',
  token_env: 'text',
  helper: 'text',
  anonymous: 'flag',
} as const;

/** One of: a user with a password, an identity token, a credential helper, nobody. */
export type CredentialTable = TableValues<typeof credentialFields>;

export type CredentialTables = ReadonlyMap<string, CredentialTable>;

/** `[orchestrator.oci.credentials."registry.example"]` */
export const credentialTables: ValueKind<CredentialTables> = namedTables({
  ...byRegistry,
  read: readCredential,
});

function readCredential(value: unknown, place: ValuePlace): CredentialTable {
  if (isTable(value) && ('password' in value || 'token' in value))
    throw invalidValue(
      place,
      'holds a secret; name a file or a variable (password_file, password_env)',
    );
  const table = readTable(value, place, credentialFields);
  const hasPassword = (table.password_file ?? table.password_env) !== undefined;
  const hasToken = (table.token_file ?? table.token_env) !== undefined;
  const ways = [hasPassword, hasToken, table.helper !== undefined, table.anonymous === true];
  const isOne = ways.filter(Boolean).length === 1;
  if (isOne && (table.username !== undefined) === hasPassword) return table;
  throw invalidValue(
    place,
    'needs one of: username with password_file or password_env; token_file or token_env; helper; anonymous',
  );
}
