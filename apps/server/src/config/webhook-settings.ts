import { isLoopback } from '@oci/spec-types/node';
import { type ValuePlace, invalidValue, readTable } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

import { type EventOptions, type WebhookOptions, eventGroups } from '../events/webhook.js';
import { readSettingFile } from './secret-file.js';
import type { LoadedServerSettings } from './server-settings.js';
import {
  type PlacedTable,
  between,
  listOf,
  oneOf,
  repositoryPattern,
  shortName,
  tablesOf,
} from './setting-tables.js';

const docs = 'docs/webhooks.md';
const maxWebhooks = 50;
const dayMs = 24 * 60 * 60_000;

/** Reads `server.webhooks` and `server.event_source`. @throws OciError `CONFIG_INVALID` */
export async function eventOptions(settings: LoadedServerSettings): Promise<EventOptions> {
  const { values } = settings;
  const tables = tablesOf('server.webhooks', settings, docs);
  if (tables.length > maxWebhooks)
    throw new OciError('CONFIG_INVALID', `there are more than ${maxWebhooks} webhooks`, {
      hint: 'Let one receiver pass events on.',
    });
  const webhooks = await Promise.all(tables.map(webhook));
  const names = webhooks.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined)
    throw new OciError('CONFIG_INVALID', `two webhooks are named ${twice}`, {
      hint: 'Set name of server.webhooks: it is the host of the URL where it is not set.',
    });
  const source = values['server.event_source'] ?? values['server.public_url'] ?? 'oci-server';
  if (!/^[\x21-\x7e]{1,255}$/.test(source))
    throw new OciError('CONFIG_INVALID', 'server.event_source is no URI', {
      hint: 'Write it as https://registry.example.',
    });
  return { source, webhooks };
}

const fields = {
  name: shortName,
  url: { required: 'text' },
  events: listOf(oneOf(eventGroups)),
  repositories: listOf(repositoryPattern),
  secret_file: { required: 'path' },
  authorization_file: 'path',
  ca_file: 'path',
  allow_plain_http: 'flag',
  timeout_ms: between(100, 60_000, 'milliseconds'),
  give_up_days: between(1, 30, 'days'),
} as const;

async function webhook({ table, place }: PlacedTable): Promise<WebhookOptions> {
  const read = readTable(table, place, fields);
  const at = (key: keyof typeof fields): ValuePlace => ({ ...place, key: `${place.key}.${key}` });
  const url = urlOf(read.url, at('url'), read.allow_plain_http ?? false);
  const { authorization_file: authorizationFile, ca_file: caFile } = read;
  return {
    name: read.name ?? url.hostname.replace(/[^\w.-]/g, '').slice(0, 64),
    url: url.href,
    events: read.events ?? eventGroups,
    repositories: read.repositories ?? ['*'],
    secrets: await readSecrets(at('secret_file'), read.secret_file),
    authorization:
      authorizationFile === undefined
        ? undefined
        : await readAuthorization(at('authorization_file'), authorizationFile),
    ca: caFile === undefined ? undefined : await readText(at('ca_file'), caFile),
    timeoutMs: read.timeout_ms ?? 10_000,
    giveUpMs: (read.give_up_days ?? 3) * dayMs,
  };
}

/** No message has the URL, as its path may be a secret. */
function urlOf(text: string, place: ValuePlace, isPlainAllowed: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw invalidValue(place, 'has to be a URL of https');
  if (url.username !== '' || url.password !== '')
    throw invalidValue(place, 'holds credentials: write the header into authorization_file');
  if (
    url.protocol === 'http:' &&
    !isPlainAllowed &&
    !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  )
    throw invalidValue(place, 'is of http, which anybody reads: use https, or allow_plain_http');
  url.hash = '';
  return url;
}

async function readText(place: ValuePlace, path: string): Promise<string> {
  return (await readSettingFile(place.key, path)).toString('utf8').trim();
}

async function readSecrets(place: ValuePlace, path: string): Promise<readonly Uint8Array[]> {
  const lines = (await readText(place, path)).split(/\s*\n\s*/).filter((line) => line !== '');
  const secrets = lines.map((line) => {
    const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
    return Buffer.from(base64, 'base64');
  });
  const isSound = secrets.every(({ length }) => length >= 24 && length <= 64);
  if (isSound && (secrets.length === 1 || secrets.length === 2)) return secrets;
  throw new OciError(
    'CONFIG_INVALID',
    `the file of ${place.key}, ${path}, has to hold one secret, or two while one takes the place of the other`,
    {
      hint: `A secret is whsec_ and 24 to 64 bytes in base64. Make one with: echo "whsec_$(openssl rand -base64 32)" > ${path}`,
    },
  );
}

async function readAuthorization(place: ValuePlace, path: string): Promise<string> {
  const header = await readText(place, path);
  if (/^[\x20-\x7e]{1,8192}$/.test(header)) return header;
  throw new OciError('CONFIG_INVALID', `the file of ${place.key}, ${path}, holds no header`, {
    hint: 'Write all of the header into it, on one line, as in: Bearer TOKEN',
  });
}
