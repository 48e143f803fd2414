import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory, testAuthority } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { loadConfiguration } from './configuration.js';

let work: TemporaryDirectory;
let file: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  file = join(work.path, 'config.toml');
  await writeFile(join(work.path, 'short'), '12345');
});
afterEach(() => work.remove());

async function load(toml: string) {
  await writeFile(file, toml);
  return loadConfiguration({ configFile: file, env: { HOME: work.path } });
}

const hash = `sha256:${'a'.repeat(64)}`;

test('reads tokens, issuers, rules, limits and the audit log', async () => {
  await writeFile(join(work.path, 'keys.json'), '{"keys":[]}');
  await writeFile(join(work.path, 'audit.key'), Buffer.alloc(32, 1));
  const { options } = await load(`
[orchestrator.oci]
namespace = "ext"
[orchestrator.oci.server]
data_dir = "data"
shutdown_grace_ms = 5
requests_per_second = 7
trusted_proxies = ["10.0.0.0/8"]
[orchestrator.oci.audit]
key_file = "audit.key"
required = true
[[orchestrator.oci.access.tokens]]
name = "ci"
hash = "${hash}"
expires = 2027-01-31T00:00:00Z
[[orchestrator.oci.access.issuers]]
issuer = "https://id.example"
audience = "oci"
jwks_file = "keys.json"
[[orchestrator.oci.access.rules]]
who = ["token:ci", "group:dev"]
namespaces = ["kcl", "team-*/x"]
actions = ["pull"]
`);
  expect(options.shutdownGraceMs).toBe(5);
  expect(options).toMatchObject({
    dataDir: join(work.path, 'data', 'registry'),
    installDir: join(work.path, 'data', 'extensions'),
    manager: {
      namespace: 'ext',
      registryUrl: undefined,
      cacheDir: join(work.path, 'data', 'cache'),
    },
    limits: { requestsPerSecond: 7 },
    audit: { dir: join(work.path, 'data', 'audit'), required: true, key: Buffer.alloc(32, 1) },
    access: {
      tokens: [{ name: 'ci', hash, expiresAt: Date.UTC(2027, 0, 31) }],
      issuers: [{ issuer: 'https://id.example', audience: 'oci', jwks: { keys: [] } }],
      rules: [
        { who: ['token:ci', 'group:dev'], namespaces: ['kcl', 'team-*/x'], actions: ['pull'] },
      ],
    },
  });
});

test('reads certificates, and with them listens where others reach it', async () => {
  const { server } = await testAuthority();
  await writeFile(join(work.path, 'cert.pem'), server.cert);
  await writeFile(join(work.path, 'key.pem'), server.key);
  const tls = 'listen = "0.0.0.0:5000"\ntls_cert_file = "cert.pem"\ntls_key_file = "key.pem"\n';
  const { options } = await load(`[orchestrator.oci.server]\n${tls}`);
  expect(options.tls).toMatchObject({ cert: server.cert, key: server.key });
});

const access = '[[orchestrator.oci.access';
test.each<[string, RegExp, RegExp]>([
  [
    `${access}.tokens]]\nname = "a"\nhash = "oci_secret"`,
    /access\.tokens\[0\]\.hash .*never the token/,
    /docs\/access\.md/,
  ],
  [
    `${access}.tokens]]\nnam = "a"\nhash = "${hash}"`,
    /unknown key access\.tokens\[0\]\.nam /,
    /name/,
  ],
  [`${access}.tokens]]\nname = "a b"\nhash = "${hash}"`, /access\.tokens\[0\]\.name/, /./],
  [`${access}.tokens]]\nname = "a"\nhash = "${hash}"\nexpires = "soon"`, /expires/, /./],
  [
    `${access}.tokens]]\nname = "a"\nhash = "${hash}"\n${access}.tokens]]\nname = "a"\nhash = "${hash}"`,
    /two tokens are named a/,
    /./,
  ],
  [`${access}.rules]]\nwho = ["ci"]\nnamespaces = ["*"]\nactions = ["pull"]`, /who .*"ci"/, /./],
  [
    `${access}.rules]]\nwho = ["anyone"]\nnamespaces = ["A"]\nactions = ["pull"]`,
    /namespaces .*"A"/,
    /./,
  ],
  [
    `${access}.rules]]\nwho = ["anyone"]\nnamespaces = ["*"]\nactions = ["read"]`,
    /actions .*"read"/,
    /./,
  ],
  [`${access}.rules]]\nwho = []\nnamespaces = ["*"]\nactions = ["pull"]`, /who/, /./],
  [`${access}.issuers]]\nissuer = "http://id.example"\naudience = "a"`, /https/, /./],
  [
    `${access}.issuers]]\nissuer = "https://id.example"`,
    /issuers\[0\]\.audience .* is missing/,
    /./,
  ],
  ['[orchestrator.oci.server]\nlog_level = "loud"', /log_level .*silent/, /./],
  ['[orchestrator.oci.server]\nmax_connections = -1', /max_connections/, /./],
  ['[orchestrator.oci.server]\nlog_levle = "info"', /server\.log_levle/, /server\.log_level/],
  ['[orchestrator.oci.access]\nrules = [1]', /access\.rules/, /./],
  [
    '[orchestrator.oci.server]\ntls_cert_file = "none.pem"',
    /certificate and its key/,
    /tls_key_file/,
  ],
  [
    '[orchestrator.oci.server]\ntls_cert_file = "config.toml"\ntls_key_file = "config.toml"',
    /TLS certificate/,
    /PEM/,
  ],
  ['[orchestrator.oci.server]\ntls_cert_file = "no"\ntls_key_file = "no"', /does not exist/, /./],
  ['[orchestrator.oci.server]\ntrusted_proxies = ["here"]', /"here" is no address/, /10\.0\.0\.0/],
  ['[orchestrator.oci.audit]\nkey_file = "short"', /has only 5 bytes/, /openssl/],
])('refuses %j', async (toml, message, hint) => {
  await expect(load(toml)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});

test('reads where hosted repositories are kept', async () => {
  await writeFile(join(work.path, 'id'), 'an id\n');
  await writeFile(join(work.path, 'secret'), 'a secret\n');
  await writeFile(join(work.path, 'ca.pem'), 'PEM');
  const table = (lines: string) => load(`[orchestrator.oci.server.storage]\n${lines}`);
  expect((await load('')).options.storage).toEqual({ kind: 'file' });
  const { options } = await table(`
kind = "s3"
bucket = "oci"
prefix = "team/registry"
endpoint = "http://127.0.0.1:7070"
region = "us-east-1"
path_style = true
ca_file = "ca.pem"
access_key_id_file = "id"
secret_access_key_file = "secret"
`);
  expect(options.storage).toEqual({
    kind: 's3',
    bucket: 'oci',
    prefix: 'team/registry',
    endpoint: 'http://127.0.0.1:7070',
    region: 'us-east-1',
    pathStyle: true,
    insecure: false,
    ca: 'PEM',
    credentials: { accessKeyId: 'an id', secretAccessKey: 'a secret' },
  });
});

test.each([
  ['kind = "s3"', 'Set server.storage.bucket.'],
  ['bucket = "oci"', 'Set server.storage.kind to s3, or remove the bucket.'],
  ['kind = "s3"\nbucket = "oci"\nendpoint = "s3.example.com"', 'Write it as https://'],
  ['kind = "s3"\nbucket = "oci"\nendpoint = "https://a:b@s3.example.com"', 'Write it as https://'],
  ['kind = "s3"\nbucket = "oci"\nprefix = "../x"', 'Write it as team/registry.'],
  ['kind = "s3"\nbucket = "oci"\naccess_key_id_file = "short"', 'Set server.storage.access_key'],
])('refuses a storage of %j', async (lines, hint) => {
  const refused = load(`[orchestrator.oci.server.storage]\n${lines}`);
  await expect(refused).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    hint: expect.stringContaining(hint) as string,
  });
});

test('reads rules for hosted repositories, each a pattern or a list of patterns', async () => {
  const { options } = await load(`
[[orchestrator.oci.server.immutable_tags]]
repositories = "team/**"
tags = ["v*", "release-*"]
except = "v0"
[[orchestrator.oci.server.retention]]
repositories = ["dev", "test/*"]
keep_last = 10
keep_pulled_days = 14
untagged_days = 7
`);
  expect(options.rules).toEqual({
    immutableTags: [{ repositories: ['team/**'], tags: ['v*', 'release-*'], except: ['v0'] }],
    retention: [
      {
        repositories: ['dev', 'test/*'],
        tags: ['*'],
        keepLast: 10,
        keepPulledDays: 14,
        untaggedDays: 7,
      },
    ],
  });
});

test.each([
  ['immutable_tags', 'tags = "v*"', 'repositories (.*) is missing'],
  ['immutable_tags', 'repositories = "team"', 'tags (.*) is missing'],
  ['immutable_tags', 'repositories = "Team"\ntags = "v*"', 'has "Team", which is not'],
  ['immutable_tags', 'repositories = "team"\ntags = "v(1|2)"', 'which is not a tag, in which'],
  ['retention', 'repositories = "dev"\nkeep_last = 0', 'tags from 1 to 10000'],
  ['retention', 'repositories = "dev"\nkeep_days = 1.5', 'days from 1 to 36500'],
  ['retention', 'repositories = []\nkeep_days = 1', 'or a list of such'],
  ['retention', 'repositories = "dev"\nkeep = 1', 'unknown key server.retention'],
])('refuses a rule of %s with %j', async (table, lines, why) => {
  const refused = load(`[[orchestrator.oci.server.${table}]]\n${lines}\n`);
  await expect(refused).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(why.replace('(.*)', '.*').replace('(', '\\('))),
  });
});
