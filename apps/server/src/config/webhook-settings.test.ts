import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { EventOptions } from '../events/webhook.js';
import { loadConfiguration } from './configuration.js';

let work: TemporaryDirectory;
const [one, two] = [Buffer.alloc(32, 1), Buffer.alloc(24, 2)];
beforeAll(async () => {
  work = await temporaryDirectory();
  const text = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}\n`;
  const files: Readonly<Record<string, string>> = {
    secret: text(one),
    two: `${text(one)}\n${text(two)}`,
    three: text(one).repeat(3),
    short: text(Buffer.alloc(23)),
    plain: 'not a secret of this form',
    empty: '',
    authorization: 'Bearer abc\n',
    lines: 'Bearer abc\nX-Other: 1\n',
    ca: 'PEM\n',
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(work.path, name), content);
});
afterAll(() => work.remove());

async function load(tables: string, server = ''): Promise<EventOptions | undefined> {
  const file = join(work.path, 'server.toml');
  await writeFile(file, `[orchestrator.oci.server]\n${server}\n${tables}`);
  const env = { HOME: work.path, XDG_DATA_HOME: join(work.path, 'data') };
  return (await loadConfiguration({ configFile: file, env })).options.events;
}

const table = (lines: string): string =>
  `[[orchestrator.oci.server.webhooks]]\n${lines.includes('secret_file') ? '' : 'secret_file = "secret"\n'}${lines}\n`;
const url = 'url = "https://ci.example/hooks/T0KEN"';

test('a webhook needs a URL and a secret, and gets all events', async () => {
  expect(await load(table(url))).toEqual({
    source: 'oci-server',
    webhooks: [
      {
        name: 'ci.example',
        url: 'https://ci.example/hooks/T0KEN',
        events: ['push', 'delete', 'quota'],
        repositories: ['*'],
        secrets: [one],
        authorization: undefined,
        ca: undefined,
        timeoutMs: 10_000,
        giveUpMs: 3 * 86_400_000,
      },
    ],
  });
});

test('all of it can be set, and the secret replaced', async () => {
  const options = await load(
    table(`name = "ci"
url = "http://ci.internal:8080/hook"
allow_plain_http = true
events = ["push"]
repositories = ["team", "kcl/*"]
secret_file = "two"
authorization_file = "authorization"
ca_file = "ca"
timeout_ms = 500
give_up_days = 7`),
    'event_source = "urn:example:registry"',
  );
  expect(options).toEqual({
    source: 'urn:example:registry',
    webhooks: [
      {
        name: 'ci',
        url: 'http://ci.internal:8080/hook',
        events: ['push'],
        repositories: ['team', 'kcl/*'],
        secrets: [one, two],
        authorization: 'Bearer abc',
        ca: 'PEM',
        timeoutMs: 500,
        giveUpMs: 7 * 86_400_000,
      },
    ],
  });
});

test('the source of events is what clients call the server', async () => {
  const { source } = (await load('', 'public_url = "https://oci.example"')) ?? {};
  expect(source).toBe('https://oci.example');
});

test.each([
  ['url = "http://127.0.0.1:8080/"'],
  ['url = "http://[::1]:8080/"'],
  ['url = "http://localhost/"'],
])('plain HTTP stays on this machine: %s', async (line) => {
  await expect(load(table(line))).resolves.toMatchObject({ webhooks: [{}] });
});

test.each([
  ['', 'url'],
  ['url = "ftp://ci.example"', 'has to be a URL of https'],
  ['url = "ci.example"', 'has to be a URL of https'],
  ['url = "http://10.0.0.1/T0KEN"', 'is of http, which anybody reads'],
  ['url = "https://user:T0KEN@ci.example"', 'holds credentials'],
  [`${url}\nevents = []`, 'events'],
  [`${url}\nevents = ["pull"]`, 'pull'],
  [`${url}\nrepositories = ["A"]`, 'repositories'],
  [`${url}\ntimeout_ms = 99`, 'from 100 to 60000'],
  [`${url}\ngive_up_days = 31`, 'from 1 to 30'],
  [`${url}\nretries = 3`, 'unknown key'],
  [`${url}\nname = "a b"`, 'name'],
  [`${url}\nsecret_file = "absent"`, 'does not exist'],
  [`${url}\nsecret_file = "short"`, 'one secret, or two'],
  [`${url}\nsecret_file = "plain"`, 'one secret, or two'],
  [`${url}\nsecret_file = "empty"`, 'one secret, or two'],
  [`${url}\nsecret_file = "three"`, 'one secret, or two'],
  [`${url}\nauthorization_file = "lines"`, 'holds no header'],
  [`secret_file = "secret"\n${url}\n${table(url)}`, 'two webhooks are named ci.example'],
])('%j is refused', async (lines, message) => {
  const failure = await load(table(lines)).catch((error: Error) => error);
  expect(failure).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(message),
  });
  expect((failure as Error).message).not.toContain('T0KEN');
});

test('more webhooks than 50 are refused, and a source with spaces', async () => {
  const many = Array.from({ length: 51 }, (_, at) => table(`${url}\nname = "n${at}"`)).join('');
  await expect(load(many)).rejects.toThrow('more than 50 webhooks');
  await expect(load('', 'event_source = "a b"')).rejects.toThrow('server.event_source');
});
