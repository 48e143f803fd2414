import { dirname } from 'node:path';

import {
  type Table,
  type ValueKind,
  type ValuePlace,
  describeSource,
  invalidValue,
  readTable,
} from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import type { AccessOptions } from '../access/access.js';
import type { AccessToken } from '../access/access-token.js';
import { type JwtIssuerOptions, isSafeUrl } from '../access/jwt-issuer.js';
import { registryService } from '../access/registry-token.js';
import { type Action, type Rule, actions } from '../access/rule.js';
import { readKeyFile, readSettingFile } from './secret-file.js';
import type { LoadedServerSettings } from './server-settings.js';

/** Returns who may do what, from `[orchestrator.oci.access]`. @throws OciError `CONFIG_INVALID` */
export async function accessOptions(settings: LoadedServerSettings): Promise<AccessOptions> {
  const keyFile = settings.values['access.token_key_file'];
  const tokens = tablesOf('access.tokens', settings).map(token);
  refuseTwice(
    tokens.map(({ name }) => name),
    (name) => `two tokens are named ${name}`,
  );
  const issuers = await Promise.all(tablesOf('access.issuers', settings).map(issuer));
  refuseTwice(
    issuers.map((one) => one.issuer),
    (url) => `access.issuers has ${url} twice`,
  );
  refuseTwice(
    issuers.flatMap(({ name }) => name ?? []),
    (name) => `two issuers are named ${name}`,
  );
  return {
    tokens,
    issuers,
    rules: tablesOf('access.rules', settings).map(rule),
    ...(keyFile !== undefined && {
      tokenKey: await readKeyFile('access.token_key_file', keyFile),
    }),
  };
}

/** A table of a list, and where it stands. */
interface PlacedTable {
  readonly table: Table;
  readonly place: ValuePlace;
}

function tablesOf(
  key: 'access.tokens' | 'access.issuers' | 'access.rules',
  { values, sources, configFile }: LoadedServerSettings,
): readonly PlacedTable[] {
  const source = sources.get(key) ?? { from: 'default' };
  const baseDir = configFile === undefined ? process.cwd() : dirname(configFile);
  return values[key].map((table, at) => ({
    table,
    place: { key: `${key}[${at}]`, from: describeSource(source), baseDir, docs: 'docs/access.md' },
  }));
}

function refuseTwice(names: readonly string[], message: (name: string) => string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new OciError('CONFIG_INVALID', message(twice), {
    hint: 'A name stands for one token or issuer in rules and in the audit log.',
  });
}

/** The kind of a text of a certain form. */
function matching(pattern: RegExp, expected: string): ValueKind<string> {
  return {
    expected,
    read: (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined),
  };
}

/** The kind of a list of texts of a certain form, with at least one. */
function listOf<T extends string>(item: ValueKind<T>): ValueKind<readonly T[]> {
  return {
    expected: `a list with at least one, each of them ${item.expected}`,
    read: (value, place) => {
      if (!Array.isArray(value) || value.length === 0) return undefined;
      return value.map((text: unknown) => {
        const checked = item.read(text, place);
        if (checked !== undefined) return checked;
        throw invalidValue(place, `has ${JSON.stringify(text)}, which is not ${item.expected}`);
      });
    },
  };
}

const name = matching(/^[\w.-]{1,64}$/, 'of letters, digits, ".", "_" and "-"');

const tokenFields = {
  name: { required: name },
  hash: {
    required: matching(
      /^sha256:[0-9a-f]{64}$/,
      'what "oci-server token create" printed as the hash, never the token',
    ),
  },
  expires: 'time',
} as const;

function token({ table, place }: PlacedTable): AccessToken {
  const { expires: expiresAt, ...rest } = readTable(table, place, tokenFields);
  return { ...rest, expiresAt };
}

const issuerFields = {
  issuer: { required: 'text' },
  name,
  audience: { required: 'text' },
  jwks_url: 'text',
  jwks_file: 'path',
  subject_claim: 'text',
  groups_claim: 'text',
} as const;

async function issuer({ table, place }: PlacedTable): Promise<JwtIssuerOptions> {
  const read = readTable(table, place, issuerFields);
  const { jwks_url: jwksUrl, jwks_file: file } = read;
  const at = (key: keyof typeof issuerFields): ValuePlace => ({
    ...place,
    key: `${place.key}.${key}`,
  });
  if (read.issuer === registryService)
    throw invalidValue(at('issuer'), 'is the one of the server itself');
  const [url, key] =
    jwksUrl === undefined ? ([read.issuer, 'issuer'] as const) : ([jwksUrl, 'jwks_url'] as const);
  if (file === undefined && !(URL.canParse(url) && isSafeUrl(url)))
    throw invalidValue(at(key), 'has to be an https:// URL');
  return {
    issuer: read.issuer,
    name: read.name,
    audience: read.audience,
    jwksUrl,
    jwks: file === undefined ? undefined : await readJwks(file),
    subjectClaim: read.subject_claim,
    groupsClaim: read.groups_claim,
  };
}

async function readJwks(path: string): Promise<JwtIssuerOptions['jwks']> {
  const text = (await readSettingFile('jwks_file', path)).toString('utf8');
  try {
    const set = JSON.parse(text) as NonNullable<JwtIssuerOptions['jwks']>;
    if (Array.isArray(set.keys)) return set;
  } catch {
    // Told below, as JSON of another shape.
  }
  throw new OciError('CONFIG_INVALID', `${path} is no JSON Web Key Set`, {
    hint: 'It looks like {"keys":[…]}.',
  });
}

const who = matching(
  /^(?:anyone|authenticated|anonymous|(?:token|user|group|certificate):.{1,255})$/,
  'anyone, authenticated, anonymous, token:…, user:…, group:… or certificate:…',
);

const namespace = matching(
  /^[a-z0-9._*-]+(?:\/[a-z0-9._*-]+)*$/,
  'the beginning of names of repositories, in which * stands for anything',
);

const action: ValueKind<Action> = {
  expected: `one of ${actions.join(', ')}`,
  read: (value) => actions.find((known) => known === value),
};

const ruleFields = {
  who: { required: listOf(who) },
  namespaces: { required: listOf(namespace) },
  actions: { required: listOf(action) },
};

function rule({ table, place }: PlacedTable): Rule {
  return readTable(table, place, ruleFields);
}
