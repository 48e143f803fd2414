import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseRegistryHost } from '@oci/spec-types';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { loadSettings } from './load.js';
import { managerOptions } from './manager-options.js';
import { settingEntries } from './setting-entries.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory('oci-config-');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await work.remove();
});

async function load(text: string) {
  const configFile = join(work.path, 'config.toml');
  await writeFile(configFile, text.replaceAll('[oci', '[orchestrator.oci'));
  return loadSettings({ configFile, env: {} });
}

async function options(text: string) {
  const { registries, credentials } = await managerOptions(await load(text));
  if (typeof registries !== 'function' || !credentials) throw new Error('both are always given');
  return { of: (host: string) => registries(parseRegistryHost(host)), credentials };
}

test('reads what is said of single registries, with the files that it names', async () => {
  for (const name of ['ca.pem', 'c.pem', 'c.key']) await writeFile(join(work.path, name), name);
  const { of } = await options(`
    [paths]
    certs = "${work.path}"
    [oci.registries."registry.example:5000"]
    plain_http = false
    insecure = true
    ca_file = "{{paths.certs}}/ca.pem"
    client_cert_file = "c.pem"
    client_key_file = "c.key"
    trusted_realms = ["auth.other.example"]
    headers = { x-team = "a" }
    [[oci.mirrors."docker.io"]]
    location = "mirror.local:5000/hub"
    plain_http = true
    pull_from_mirror = "digest-only"
    repositories = "library"
    ns = true
    [[oci.mirrors."docker.io"]]
    location = "second.example"
    ca_file = "ca.pem"
  `);
  expect(of('registry.example:5000')).toEqual({
    plainHttp: false,
    insecure: true,
    ca: 'ca.pem',
    clientCertificate: { cert: 'c.pem', key: 'c.key' },
    trustedRealms: ['auth.other.example'],
    headers: { 'x-team': 'a' },
  });
  expect(of('docker.io')?.mirrors).toMatchObject([
    { location: 'mirror.local:5000/hub', plainHttp: true, pullFrom: 'digest-only', ns: true },
    { location: 'second.example', ca: 'ca.pem' },
  ]);
  expect(of('other.example')).toEqual({});
});

test('shows what was said of single registries, and no secret', async () => {
  const settings = await load(`
    [oci.registries."a.example"]
    plain_http = true
    [[oci.mirrors."a.example"]]
    location = "b.example"
    pull_from_mirror = "tag-only"
    [oci.credentials."a.example"]
    username = "ci"
    password_env = "SECRET"
  `);
  const entries = settingEntries(settings).filter(({ source }) => source !== 'default');
  expect(entries.map(({ key, value }) => [key, value])).toEqual([
    ['registries."a.example".plain_http', true],
    ['mirrors."a.example"[0].location', 'b.example'],
    ['mirrors."a.example"[0].pull_from_mirror', 'tag-only'],
    ['credentials."a.example".username', 'ci'],
    ['credentials."a.example".password_env', 'SECRET'],
  ]);
});

test('reads secrets from files and variables when they are needed', async () => {
  const file = join(work.path, 'password');
  vi.stubEnv('REGISTRY_TOKEN', 'refresh-me');
  const { credentials } = await options(`
    [oci.credentials."a.example"]
    username = "ci"
    password_file = "password"
    [oci.credentials."b.example"]
    token_env = "REGISTRY_TOKEN"
    [oci.credentials."c.example"]
    anonymous = true
  `);
  await writeFile(file, 'first\n');
  expect(await credentials('a.example')).toMatchObject({ username: 'ci', password: 'first' });
  await writeFile(file, 'second\r\n');
  expect(await credentials('a.example')).toMatchObject({ password: 'second' });
  expect(await credentials('b.example')).toMatchObject({ kind: 'refresh', token: 'refresh-me' });
  expect(await credentials('c.example')).toBeUndefined();
  await writeFile(file, '');
  await expect(credentials('a.example')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(file),
  });
});

test.each([
  ['registries."a.example"]\nplain_htp = true', 'plain_htp', 'plain_http'],
  ['registries."a.example"]\nca_fil = "x"', 'ca_fil', 'ca_file'],
  ['mirrors."a.example"]\nlocatio = "x"', 'locatio', 'location'],
  ['credentials."a.example"]\npassword_fil = "x"', 'password_fil', 'password_file'],
  ['registrie."a.example"]\nplain_http = true', 'registrie', 'registries'],
])('[oci.%s: the hint names the nearest key', async (text, unknown, near) => {
  await expect(load(`[oci.${text}`)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(unknown),
    hint: expect.stringContaining(near),
  });
});

test.each([
  'registries."https://a.example"]\nplain_http = true',
  'registries."a.example"]\nplain_http = "yes"',
  'registries."a.example"]\nclient_cert_file = "x"',
  'registries."a.example"]\nheaders = { authorization = "Bearer secret" }',
  'registries."a.example"]\nheaders = { "x y" = "z" }',
  'registries."a.example"]\ntrusted_realms = "x"',
  'registries]\n"a.example" = 5',
  'mirrors."a.example"]\nns = true',
  'mirrors."a.example"]\nlocation = "x"\npull_from_mirror = "some"',
  'credentials."a.example"]\nusername = "x"',
  'credentials."a.example"]\nusername = "x"\npassword = "secret"',
  'credentials."a.example"]\nhelper = "x"\nanonymous = true',
  'credentials."a.example"]\n',
])('refuses [oci.%s, and shows no secret', async (text) => {
  const error: unknown = await load(`[oci.${text}`).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.any(String) });
  expect(JSON.stringify(error) + String(error)).not.toContain('secret"');
});

test('refuses a file that is not there', async () => {
  const missing = load('[oci.registries."a.example"]\nca_file = "missing.pem"').then((settings) =>
    managerOptions(settings),
  );
  await expect(missing).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(join(work.path, 'missing.pem')),
  });
});
