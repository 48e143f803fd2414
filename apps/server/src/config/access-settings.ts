import { type ValuePlace, invalidValue, readTable } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import type { AccessOptions } from '../access/access.js';
import type { AccessToken } from '../access/access-token.js';
import { type JwtIssuerOptions, isSafeUrl } from '../access/jwt-issuer.js';
import { registryService } from '../access/registry-token.js';
import { type Rule, actions } from '../access/rule.js';
import { readKeyFile, readSettingFile } from './secret-file.js';
import type { LoadedServerSettings } from './server-settings.js';
import {
  type PlacedTable,
  listOf,
  matching,
  oneOf,
  repositoryPattern,
  shortName,
  tablesOf,
} from './setting-tables.js';

const docs = 'docs/access.md';

/** Returns who may do what, from `[orchestrator.oci.access]`. @throws OciError `CONFIG_INVALID` */
export async function accessOptions(settings: LoadedServerSettings): Promise<AccessOptions> {
  const keyFile = settings.values['access.token_key_file'];
  const tokens = tablesOf('access.tokens', settings, docs).map(token);
  refuseTwice(
    tokens.map(({ name }) => name),
    (name) => `two tokens are named ${name}`,
  );
  const issuers = await Promise.all(tablesOf('access.issuers', settings, docs).map(issuer));
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
    rules: tablesOf('access.rules', settings, docs).map(rule),
    ...(keyFile !== undefined && {
      tokenKey: await readKeyFile('access.token_key_file', keyFile),
    }),
  };
}

function refuseTwice(names: readonly string[], message: (name: string) => string): void {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  throw new OciError('CONFIG_INVALID', message(twice), {
    hint: 'A name stands for one token or issuer in rules and in the audit log.',
  });
}

const tokenFields = {
  name: { required: shortName },
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
  name: shortName,
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

const ruleFields = {
  who: { required: listOf(who) },
  namespaces: { required: listOf(repositoryPattern) },
  actions: { required: listOf(oneOf(actions)) },
};

function rule({ table, place }: PlacedTable): Rule {
  return readTable(table, place, ruleFields);
}
