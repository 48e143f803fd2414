import { resolve } from 'node:path';

import type { SettingTable, SettingValues } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import type { AccessOptions } from '../access/access.js';
import type { AccessToken } from '../access/access-token.js';
import { type JwtIssuerOptions, isSafeUrl } from '../access/jwt-issuer.js';
import { registryService } from '../access/registry-token.js';
import { type Action, type Rule, actions } from '../access/rule.js';
import { readKeyFile, readSettingFile } from './secret-file.js';
import { TableReader } from './table-reader.js';

/**
 * Who may do what, from `[orchestrator.oci.access]`.
 *
 * @param baseDir what paths in tables start from
 * @throws OciError `CONFIG_INVALID`
 */
export async function accessOptions(
  values: SettingValues,
  baseDir: string,
): Promise<AccessOptions> {
  const keyFile = values['access.token_key_file'];
  const tokens = values['access.tokens'].map(token);
  refuseTwice(
    tokens.map(({ name }) => name),
    (name) => `two tokens are named ${name}`,
  );
  const issuers = await Promise.all(
    values['access.issuers'].map((table, at) => issuer(table, at, baseDir)),
  );
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
    rules: values['access.rules'].map(rule),
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

function token(table: SettingTable, at: number): AccessToken {
  const where = `access.tokens[${at}]`;
  const reader = new TableReader(table, where, ['name', 'hash', 'expires']);
  const name = reader.text('name');
  if (!/^[\w.-]{1,64}$/.test(name))
    reader.fail('name', 'has to be of letters, digits, ".", "_" and "-"');
  const hash = reader.text('hash');
  if (!/^sha256:[0-9a-f]{64}$/.test(hash))
    reader.fail('hash', 'has to be what "oci-server token create" printed, never the token');
  return { name, hash, expiresAt: reader.optionalTime('expires') };
}

const issuerKeys = [
  'issuer',
  'name',
  'audience',
  'jwks_url',
  'jwks_file',
  'subject_claim',
  'groups_claim',
];

async function issuer(table: SettingTable, at: number, baseDir: string): Promise<JwtIssuerOptions> {
  const reader = new TableReader(table, `access.issuers[${at}]`, issuerKeys);
  const jwksUrl = reader.optionalText('jwks_url');
  const file = reader.optionalText('jwks_file');
  const url = reader.text('issuer');
  const name = reader.optionalText('name');
  if (url === registryService) reader.fail('issuer', 'is the one of the server itself');
  if (name !== undefined && !/^[\w.-]{1,64}$/.test(name))
    reader.fail('name', 'has to be of letters, digits, ".", "_" and "-"');
  if (file === undefined) requireHttps(reader, jwksUrl === undefined ? 'issuer' : 'jwks_url');
  const jwks = file === undefined ? undefined : await readJwks(resolve(baseDir, file));
  return {
    issuer: url,
    name,
    audience: reader.text('audience'),
    jwksUrl,
    jwks,
    subjectClaim: reader.optionalText('subject_claim'),
    groupsClaim: reader.optionalText('groups_claim'),
  };
}

function requireHttps(reader: TableReader, key: string): void {
  const text = reader.text(key);
  if (!URL.canParse(text)) reader.fail(key, 'has to be a URL');
  if (!isSafeUrl(text)) reader.fail(key, 'has to be an https:// URL');
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

const subject = /^(?:anyone|authenticated|anonymous|(?:token|user|group|certificate):.{1,255})$/;

function rule(table: SettingTable, at: number): Rule {
  const reader = new TableReader(table, `access.rules[${at}]`, ['who', 'namespaces', 'actions']);
  const who = reader.texts('who');
  const stranger = who.find((name) => !subject.test(name));
  if (stranger !== undefined)
    reader.fail(
      'who',
      `has ${JSON.stringify(stranger)}, which is no token:, user:, group: or certificate:`,
    );
  const namespaces = reader.texts('namespaces');
  const bad = namespaces.find((name) => !/^[a-z0-9._*-]+(?:\/[a-z0-9._*-]+)*$/.test(name));
  if (bad !== undefined)
    reader.fail('namespaces', `has ${JSON.stringify(bad)}, which no repository can be in`);
  return { who, namespaces, actions: reader.texts('actions').map((name) => action(name, reader)) };
}

function action(text: string, reader: TableReader): Action {
  const found = actions.find((known) => known === text);
  return (
    found ?? reader.fail('actions', `has ${JSON.stringify(text)}; known: ${actions.join(', ')}`)
  );
}
