import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, get } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';

import { OciManager, type OciManagerOptions } from '@oci/manager';
import { generateKeyPair } from '@oci/manager/signing';
import {
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  kclPackage,
  startRegistry,
  temporaryDirectory,
  testAuthority,
} from '@oci/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { createAccessToken } from './access/access-token.js';
import { createOciServerClient } from './client/index.js';
import { loadConfiguration } from './config/configuration.js';
import type { ServerValues } from './config/server-settings.js';
import { startServer } from './server.js';
import { SharedManager } from './shared-manager.js';

/** What a setting is before and after a reload, and what a caller sees of it. */
interface Change {
  /** Lines of `[orchestrator.oci]`, or whole tables. */
  readonly toml: readonly [before: string, after: string];
  readonly seen: (url: string) => Promise<unknown>;
  readonly expected: readonly [before: unknown, after: unknown];
}

/** A setting that callers see nothing of at once: how it arrives at the manager. */
interface Option {
  readonly toml: readonly [before: string, after: string];
  readonly option: (options: OciManagerOptions) => unknown;
  readonly after: unknown;
}

/** Settings that a running server says need a restart. */
interface Restart {
  readonly restart: readonly [before: string, after: string];
}

/** Settings whose effect has a test of its own below, or none while the server runs. */
interface Accepted {
  readonly accepted: readonly [before: string, after: string];
}

let work: TemporaryDirectory;
let registry: TestRegistry;
let other: TestRegistry;
let secured: TestRegistry;
const [first, second] = [createAccessToken(), createAccessToken()];
const { ca: wrongCa } = await testAuthority();
let guarded: TestRegistry;
let kept: string | undefined;
const kubernetes = { type: 'taskserv', name: 'kubernetes', version: '1.0.0' } as const;

beforeAll(async () => {
  registry = await startRegistry();
  other = await startRegistry({ catalog: false });
  secured = await startRegistry({ tls: true });
  guarded = await startRegistry({ auth: { basic: { username: 'ci', password: 'right' } } });
  for (const one of [registry, other, secured, guarded]) {
    one.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
    one.putArtifact('one/taskserv/kubernetes', '1.0.0', extensionArtifact(kubernetes));
  }
});
afterAll(async () => {
  await Promise.all([registry, other, secured, guarded].map((one) => one.close()));
});

beforeEach(async () => {
  work = await temporaryDirectory();
  kept = undefined;
  const bytes = (fill: number) => Buffer.alloc(32, fill);
  const { publicKey } = await generateKeyPair();
  const { server, ca } = await testAuthority();
  const files: Readonly<Record<string, string | Uint8Array>> = {
    'one.key': bytes(1),
    'two.key': bytes(2),
    'trusted.pub': publicKey,
    'right.pem': secured.ca ?? '',
    'wrong.pem': wrongCa,
    'tls.pem': server.cert,
    'tls.key': server.key,
    'ca.pem': ca,
    'blocked.conf': `[[registry]]\nlocation = "${registry.host}"\nblocked = true\n`,
    'open.conf': '',
    'hook.txt': `whsec_${bytes(3).toString('base64')}`,
    'right.txt': 'right',
    'wrong.txt': 'wrong',
    [`certs/${secured.host}/ca.crt`]: secured.ca ?? '',
    'empty/none': '',
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(work.path, name, '..'), { recursive: true });
    await writeFile(join(work.path, name), content);
  }
});
afterEach(async () => {
  await work.remove();
});

/** A pull: the code of its failure, or `ok`. */
async function pull(url: string): Promise<string> {
  const client = createOciServerClient({ url });
  await client.clearManifests();
  return client.pullKclPackage({ name: 'demo', version: '1.0.0' }).then(
    () => 'ok',
    (error: { code: string }) => error.code,
  );
}

/** Where the file of a pull is. */
async function pulledTo(url: string): Promise<string> {
  const client = createOciServerClient({ url });
  const { path } = await client.pullKclPackage({ name: 'demo', version: '1.0.0' });
  return path.slice(work.path.length + 1).split('/', 1)[0] ?? '';
}

async function extension(url: string): Promise<string> {
  const client = createOciServerClient({ url });
  const { path } = await client.installExtension(kubernetes);
  return path.slice(work.path.length + 1).split('/', 1)[0] ?? '';
}

const status =
  (path: string, headers: Record<string, string> = {}) =>
  async (url: string) => {
    const answer = await fetch(url + path, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };

async function realm(url: string): Promise<string | null> {
  const answer = await fetch(`${url}/v2/`);
  return /realm="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1] ?? null;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const token = (hash: string) =>
  `[[orchestrator.oci.access.tokens]]\nname = "ci"\nhash = "${hash}"\n`;
const rule = (who: string) =>
  `[[orchestrator.oci.access.rules]]\nwho = ["${who}"]\nnamespaces = ["*"]\nactions = ["observe", "list"]\n`;
const server = (line: string) => `[orchestrator.oci.server]\n${line}\n`;
const quota = (bytes: number) =>
  `[[orchestrator.oci.server.quotas]]\nnamespace = "team"\nmax_bytes = ${bytes}\n`;
const storage = (lines = '') =>
  `[orchestrator.oci.server.storage]\nkind = "s3"\nbucket = "oci"\n${lines}\n`;
const webhook = (name: string) =>
  `[[orchestrator.oci.server.webhooks]]\nname = "${name}"\nurl = "https://127.0.0.1:1/"\nsecret_file = "hook.txt"\n`;
const keyFiles = 'access_key_id_file = "right.txt"\nsecret_access_key_file = "right.txt"';
const cache = (line: string): readonly [string, string] => [
  '',
  `[orchestrator.oci.cache]\n${line}`,
];
const upstream = (url: () => string) => `registry_url = "${url()}"`;
const plain = () => upstream(() => registry.url);
const tls = () => upstream(() => secured.url);

const tlsTable = () => server('tls_cert_file = "tls.pem"\ntls_key_file = "tls.key"');
const credentials = (password: string) =>
  `${upstream(() => guarded.url)}\n[orchestrator.oci.credentials."${guarded.host}"]\nusername = "ci"\npassword_file = "${password}.txt"\n`;

const issuerTable = `[[orchestrator.oci.access.issuers]]
issuer = "http://127.0.0.1:1"
audience = "oci"
`;
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = `${part({ alg: 'ES256' })}.${part({ iss: 'http://127.0.0.1:1', aud: 'oci' })}.AA`;

async function registryToken(url: string): Promise<string> {
  const answer = await fetch(`${url}/token`, { headers: bearer(first.secret) });
  return ((await answer.json()) as { token: string }).token;
}

const option = (
  toml: readonly [string, string],
  read: Option['option'],
  after: unknown,
): Option => ({ toml, option: read, after });

/** Every setting; the compiler asks for a new one here. */
const settings: {
  readonly [K in keyof ServerValues]: () => Change | Option | Restart | Accepted;
} = {
  registry_url: () => ({
    toml: ['registry_url = "http://127.0.0.1:1"', plain()],
    seen: pull,
    expected: ['NETWORK', 'ok'],
  }),
  namespace: () => ({
    toml: [`${plain()}\nnamespace = "none"`, `${plain()}\nnamespace = "one"`],
    seen: (url) =>
      createOciServerClient({ url })
        .pullExtension(kubernetes)
        .then(
          () => 'ok',
          () => 'failed',
        ),
    expected: ['failed', 'ok'],
  }),
  cache_dir: () => ({
    toml: [`${plain()}\ncache_dir = "cache-a"`, `${plain()}\ncache_dir = "cache-b"`],
    seen: pulledTo,
    expected: ['cache-a', 'cache-b'],
  }),
  install_dir: () => ({
    toml: [
      `${plain()}\nnamespace = "one"\ninstall_dir = "home-a"`,
      `${plain()}\nnamespace = "one"\ninstall_dir = "home-b"`,
    ],
    seen: extension,
    expected: ['home-a', 'home-b'],
  }),
  repositories: () => ({
    toml: [upstream(() => other.url), `${upstream(() => other.url)}\nrepositories = ["kcl/demo"]`],
    seen: (url) =>
      createOciServerClient({ url })
        .listArtifacts({ namespace: 'kcl' })
        .then(
          (all) => all.length,
          (error: { code: string }) => error.code,
        ),
    expected: ['UNSUPPORTED', 1],
  }),
  plain_http: () =>
    option([plain(), `${plain()}\nplain_http = true`], (o) => o.connection?.plainHttp, true),
  insecure: () => ({
    toml: [tls(), `${tls()}\ninsecure = true`],
    seen: pull,
    expected: ['TLS', 'ok'],
  }),
  ca_file: () => ({
    toml: [`${tls()}\nca_file = "wrong.pem"`, `${tls()}\nca_file = "right.pem"`],
    seen: pull,
    expected: ['TLS', 'ok'],
  }),
  token_cache_file: () =>
    option(
      [plain(), `${plain()}\ntoken_cache_file = "tokens"`],
      (o) => o.connection?.tokenCacheFile?.endsWith('/tokens'),
      true,
    ),
  registries_conf: () => ({
    toml: [
      `${plain()}\nregistries_conf = "blocked.conf"`,
      `${plain()}\nregistries_conf = "open.conf"`,
    ],
    seen: pull,
    expected: ['POLICY_REFUSED', 'ok'],
  }),
  certs_dir: () => ({
    toml: [`${tls()}\ncerts_dir = "empty"`, `${tls()}\ncerts_dir = "certs"`],
    seen: pull,
    expected: ['TLS', 'ok'],
  }),
  'cache.moving_tag_ttl_ms': () =>
    option(cache('moving_tag_ttl_ms = 7'), (o) => o.freshness?.movingTagTtlMs, 7),
  'cache.stale_if_error_ms': () =>
    option(cache('stale_if_error_ms = 7'), (o) => o.freshness?.staleIfErrorMs, 7),
  'cache.pulls': () => ({ accepted: ['', '[orchestrator.oci.cache]\npulls = true'] }),
  'cache.fsync': () => option(cache('fsync = false'), (o) => o.fsync, false),
  'cache.prune_every_ms': () =>
    option(cache('prune_every_ms = 7000'), (o) => o.retention?.everyMs, 7000),
  'cache.max_age_days': () =>
    option(cache('max_age_days = 7'), (o) => o.retention?.policy.maxAgeDays, 7),
  'cache.max_unused_days': () =>
    option(cache('max_unused_days = 7'), (o) => o.retention?.policy.maxUnusedDays, 7),
  'cache.max_versions': () =>
    option(cache('max_versions = 7'), (o) => o.retention?.policy.maxVersionsPerPackage, 7),
  'cache.max_size': () =>
    option(cache('max_size = 7000'), (o) => o.retention?.policy.maxBytes, 7000),
  'server.listen': () => ({ restart: ['', server('listen = "127.0.0.1:1"')] }),
  'server.data_dir': () => ({ restart: ['', server('data_dir = "elsewhere"')] }),
  'server.storage.kind': () => ({ restart: ['', storage()] }),
  'server.storage.bucket': () => ({ restart: ['', storage()] }),
  'server.storage.prefix': () => ({ restart: ['', storage('prefix = "team"')] }),
  'server.storage.endpoint': () => ({ restart: ['', storage('endpoint = "http://127.0.0.1:1"')] }),
  'server.storage.region': () => ({ restart: ['', storage('region = "us-east-1"')] }),
  'server.storage.path_style': () => ({ restart: ['', storage('path_style = true')] }),
  'server.storage.ca_file': () => ({ restart: ['', storage('ca_file = "ca.pem"')] }),
  'server.storage.insecure': () => ({ restart: ['', storage('insecure = true')] }),
  'server.storage.access_key_id_file': () => ({ restart: ['', storage(keyFiles)] }),
  'server.storage.secret_access_key_file': () => ({ restart: ['', storage(keyFiles)] }),
  'server.storage.session_token_file': () => ({
    restart: ['', storage(`${keyFiles}\nsession_token_file = "right.txt"`)],
  }),
  'server.verify_interval_ms': () => ({ accepted: ['', server('verify_interval_ms = 0')] }),
  'server.verify_bytes_per_second': () => ({
    accepted: ['', server('verify_bytes_per_second = "1GiB"')],
  }),
  // Checked at start and at each reload; what listens stays as it is.
  'server.allow_plain_http': () => ({ accepted: ['', server('allow_plain_http = true')] }),
  'server.public_url': () => ({
    toml: [
      `${server('public_url = "https://a.example"')}${token(first.hash)}`,
      `${server('public_url = "https://b.example"')}${token(first.hash)}`,
    ],
    seen: realm,
    expected: ['https://a.example/token', 'https://b.example/token'],
  }),
  'server.tls_cert_file': () => ({ restart: ['', tlsTable()] }),
  'server.tls_key_file': () => ({ restart: ['', tlsTable()] }),
  'server.client_ca_file': () => ({ restart: ['', `${tlsTable()}client_ca_file = "ca.pem"\n`] }),
  'server.require_client_certificate': () => ({
    restart: ['', `${tlsTable()}client_ca_file = "ca.pem"\nrequire_client_certificate = true\n`],
  }),
  'server.trusted_proxies': () => ({
    toml: [
      server('requests_per_second = 1'),
      server('requests_per_second = 1\ntrusted_proxies = ["127.0.0.1"]'),
    ],
    seen: async (url) => {
      const statuses: number[] = [];
      for (let client = 0; client < 25; client += 1) {
        const headers = { 'x-forwarded-for': `192.0.2.${client}` };
        statuses.push(await status('/api/v1/oci/jobs', headers)(url));
      }
      return statuses.includes(429);
    },
    expected: [true, false],
  }),
  'server.shutdown_grace_ms': () => ({ accepted: ['', server('shutdown_grace_ms = 1')] }),
  'server.log_level': () => ({
    accepted: [server('log_level = "silent"'), server('log_level = "error"')],
  }),
  'server.max_connections': () => ({
    accepted: [server('max_connections = 4096'), server('max_connections = 100')],
  }),
  'server.max_connections_per_client': () => ({
    accepted: ['', server('max_connections_per_client = 100')],
  }),
  'server.max_upload_bytes': () => ({
    toml: [server('max_upload_bytes = 10'), server('max_upload_bytes = 1000000')],
    seen: async (url) => {
      const begun = await fetch(`${url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
      const location = new URL(begun.headers.get('location') ?? '', url);
      const body = Buffer.alloc(1000);
      return (await fetch(location, { method: 'PATCH', body })).status;
    },
    expected: [413, 202],
  }),
  'server.sparse_manifests': () => ({
    toml: [server('sparse_manifests = false'), server('sparse_manifests = true')],
    seen: async (url) => {
      const type = 'application/vnd.oci.image.index.v1+json';
      const child = { mediaType: type, digest: `sha256:${'0'.repeat(64)}`, size: 2 };
      const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [child] });
      const headers = { 'content-type': type };
      return (await fetch(`${url}/v2/a/b/manifests/1`, { method: 'PUT', body, headers })).status;
    },
    expected: [404, 201],
  }),
  'server.quotas': () => ({
    toml: [quota(10), quota(1000)],
    seen: async (url) => {
      const body = Buffer.alloc(100);
      const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
      const push = `${url}/v2/team/a/blobs/uploads/?digest=${digest}`;
      return (await fetch(push, { method: 'POST', body })).status;
    },
    expected: [403, 201],
  }),
  // What it removes has tests of its own.
  'server.retention': () => ({
    accepted: [
      '',
      `[[orchestrator.oci.server.retention]]\nrepositories = "dev"\nkeep_last = 10\nuntagged_days = 7\n`,
    ],
  }),
  'server.immutable_tags': () => ({
    toml: [
      '',
      `[[orchestrator.oci.server.immutable_tags]]\nrepositories = "a/**"\ntags = ["v*"]\n`,
    ],
    seen: async (url) => {
      const type = 'application/vnd.oci.image.index.v1+json';
      const put = async (note: string) => {
        const index = { schemaVersion: 2, mediaType: type, manifests: [], annotations: { note } };
        const body = JSON.stringify(index);
        const headers = { 'content-type': type };
        return (await fetch(`${url}/v2/a/b/manifests/v1`, { method: 'PUT', body, headers })).status;
      };
      return [await put('one'), await put('two')];
    },
    expected: [
      [201, 201],
      [409, 201],
    ],
  }),
  'server.requests_per_second': () => ({
    toml: [server('requests_per_second = 1'), server('requests_per_second = 0')],
    seen: async (url) => {
      const statuses: number[] = [];
      for (let request = 0; request < 25; request += 1)
        statuses.push(await status('/api/v1/oci/jobs')(url));
      return statuses.includes(429);
    },
    expected: [true, false],
  }),
  'server.gc_interval_ms': () => ({
    accepted: [server('gc_interval_ms = 0'), server('gc_interval_ms = 60000')],
  }),
  'server.gc_objects_per_second': () => ({
    accepted: [server('gc_objects_per_second = 0'), server('gc_objects_per_second = 100')],
  }),
  'access.token_key_file': () => ({
    toml: [
      `[orchestrator.oci.access]\ntoken_key_file = "one.key"\n${token(first.hash)}${rule('token:ci')}`,
      `[orchestrator.oci.access]\ntoken_key_file = "two.key"\n${token(first.hash)}${rule('token:ci')}`,
    ],
    seen: async (url) => {
      kept ??= await registryToken(url);
      return status('/v2/', bearer(kept))(url);
    },
    expected: [200, 401],
  }),
  'access.tokens': () => ({
    toml: [token(first.hash) + rule('token:ci'), token(second.hash) + rule('token:ci')],
    seen: status('/metrics', bearer(first.secret)),
    expected: [200, 401],
  }),
  'access.issuers': () => ({
    toml: [rule('anyone'), `${rule('anyone')}${issuerTable}`],
    seen: status('/metrics', bearer(unsigned)),
    // Before, it is of no issuer that is known; then its keys cannot be had.
    expected: [401, 502],
  }),
  'access.rules': () => ({
    toml: [rule('anyone'), rule('token:ci')],
    seen: status('/metrics'),
    expected: [200, 401],
  }),
  'server.webhooks': () => ({
    toml: [webhook('one'), webhook('two')],
    seen: async (url) => (await createOciServerClient({ url }).getEvents()).webhooks[0]?.name,
    expected: ['one', 'two'],
  }),
  'server.event_source': () => ({ accepted: ['', server('event_source = "urn:example"')] }),
  'audit.enabled': () => ({ restart: ['', '[orchestrator.oci.audit]\nenabled = false\n'] }),
  'audit.dir': () => ({ restart: ['', '[orchestrator.oci.audit]\ndir = "elsewhere"\n'] }),
  'audit.key_file': () => ({ restart: ['', '[orchestrator.oci.audit]\nkey_file = "one.key"\n'] }),
  'audit.max_file_bytes': () => ({
    restart: ['', '[orchestrator.oci.audit]\nmax_file_bytes = 70000\n'],
  }),
  'audit.keep_files': () => ({ restart: ['', '[orchestrator.oci.audit]\nkeep_files = 7\n'] }),
  'audit.required': () => ({ restart: ['', '[orchestrator.oci.audit]\nrequired = true\n'] }),
  routes: () => ({
    toml: [plain(), `${plain()}\n[orchestrator.oci.routes]\n"kcl/demo" = "http://127.0.0.1:1"\n`],
    seen: pull,
    expected: ['ok', 'NETWORK'],
  }),
  routes_only: () => ({
    toml: [plain(), `${plain()}\nroutes_only = true\n`],
    seen: pull,
    expected: ['ok', 'POLICY_REFUSED'],
  }),
  registries: () => ({
    toml: [
      plain(),
      `${plain()}\n[orchestrator.oci.registries."${registry.host}"]\nblocked = true\n`,
    ],
    seen: pull,
    expected: ['ok', 'POLICY_REFUSED'],
  }),
  mirrors: () => ({
    toml: [
      'registry_url = "http://127.0.0.1:1"',
      `registry_url = "http://127.0.0.1:1"\n[[orchestrator.oci.mirrors."127.0.0.1:1"]]\nlocation = "${registry.url}"\n`,
    ],
    seen: pull,
    expected: ['NETWORK', 'ok'],
  }),
  credentials: () => ({
    toml: [credentials('wrong'), credentials('right')],
    seen: pull,
    expected: ['UNAUTHORIZED', 'ok'],
  }),
  trust: () => ({
    toml: [plain(), `${plain()}\n[orchestrator.oci.trust."*"]\nkeys = ["trusted.pub"]\n`],
    seen: pull,
    expected: ['ok', 'SIGNATURE_MISSING'],
  }),
};

/** Settings of which one change does not show all. */
const more: Readonly<Record<string, () => Change>> = {
  'registries.ca_file': () => ({
    toml: [
      `${tls()}\n[orchestrator.oci.registries."${secured.host}"]\nca_file = "wrong.pem"\n`,
      `${tls()}\n[orchestrator.oci.registries."${secured.host}"]\nca_file = "right.pem"\n`,
    ],
    seen: pull,
    expected: ['TLS', 'ok'],
  }),
};

async function load(name: string, toml: string) {
  const file = join(work.path, `${name}.toml`);
  await writeFile(file, toml.startsWith('[') ? toml : `[orchestrator.oci]\n${toml}`);
  const env = { HOME: work.path, XDG_DATA_HOME: join(work.path, 'data') };
  const { options } = await loadConfiguration({ configFile: file, env });
  return { ...options, logLevel: undefined };
}

/** Starts a server, has it reloaded while clients ask it, and says what was seen and what clients were answered. */
async function reloadUnderLoad(
  [before, after]: readonly [string, string],
  seen: (url: string) => unknown,
) {
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await startServer({ ...(await load('before', before)), listen });
  const next = await load('after', after);
  const isSameAddress = !after.includes('listen =');
  const enough = new AbortController();
  const answers = new Set<number | string>();
  const client = async (): Promise<void> => {
    while (!enough.signal.aborted)
      answers.add(await status('/healthz')(server.url).catch(() => 'broken'));
  };
  const clients = Promise.all(Array.from({ length: 2 }, client));
  try {
    const first = await seen(server.url);
    const { needsRestart } = await server.reload({ ...next, ...(isSameAddress && { listen }) });
    return { before: first, after: await seen(server.url), needsRestart, answers };
  } finally {
    enough.abort();
    await clients;
    await server.close();
  }
}

describe('a reload under load takes over', () => {
  const all = [...Object.entries(settings), ...Object.entries(more)].map(
    ([name, make]) => [name, make] as const,
  );

  test.each(all)('%s, or says that it needs a restart', async (name, make) => {
    const change = make();
    const replace = vi.spyOn(SharedManager.prototype, 'replace');
    const arrived = (): unknown => {
      const [options] = replace.mock.lastCall ?? [];
      return options && 'option' in change ? change.option(options) : undefined;
    };
    const toml =
      'toml' in change ? change.toml : 'restart' in change ? change.restart : change.accepted;
    const [first, second] =
      'expected' in change
        ? change.expected
        : [undefined, 'after' in change ? change.after : undefined];
    const setting = name.replace('tls_key_file', 'tls_cert_file');
    const answered = new Set([200]);
    const isFixed = 'restart' in change;
    const look = 'seen' in change ? change.seen : arrived;
    const { before, after, needsRestart, answers } = await reloadUnderLoad(toml, look);
    const restarts = isFixed ? needsRestart.filter((one) => one === setting) : needsRestart;
    expect({ before, after, restarts, answers }).toEqual({
      before: first,
      after: second,
      restarts: isFixed ? [setting] : [],
      answers: answered,
    });
    replace.mockRestore();
  });
});

test('a manager that was replaced is closed once its pull has ended, and its figures stay', async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  const server = await startServer({ ...(await load('before', plain())), listen });
  const close = vi.spyOn(OciManager.prototype, 'close');
  try {
    const client = createOciServerClient({ url: server.url });
    let go = (): void => {};
    const until = new Promise<void>((resolve) => (go = resolve));
    registry.fault({ path: '/blobs/', pause: { afterBytes: 10, until } });
    const pulling = client.pullKclPackage({ name: 'demo', version: '1.0.0' });
    await expect.poll(() => registry.requests.at(-1)?.path).toContain('/blobs/');
    await server.reload({ ...(await load('after', plain())), listen });
    expect(close).not.toHaveBeenCalled();
    go();
    expect(await pulling).toMatchObject({ from_cache: false });
    await expect.poll(() => close.mock.calls.length).toBe(1);
    expect(await client.metricsSummary()).toMatchObject({ pulls: 1, downloads: 1 });
  } finally {
    close.mockRestore();
    await server.close();
  }
});

test('a reload that is refused changes nothing', async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  const options = await load('before', `${token(first.hash)}${rule('token:ci')}`);
  const server = await startServer({ ...options, listen });
  try {
    const bad = { ...options, listen, access: { rules: [] }, trustedProxies: ['nonsense'] };
    await expect(server.reload(bad)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const issuers = ['https://a.example', 'https://b.example'].map((issuer) => ({
      issuer,
      audience: 'oci',
    }));
    const unnamed = { ...options, listen, access: { issuers } };
    await expect(server.reload(unnamed)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await status('/metrics', bearer(first.secret))(server.url)).toBe(200);
  } finally {
    await server.close();
  }
});

test('a client certificate whose authority was taken out counts no longer, on connections that stand too', async () => {
  const { ca, client, server: certificate } = await testAuthority();
  const access = {
    rules: [{ who: ['certificate:tester'], namespaces: ['*'], actions: ['list'] as const }],
  };
  const options = {
    ...(await load('tls', '')),
    listen: { host: '127.0.0.1', port: 0 },
    access,
    tls: { ...certificate, clientCa: ca },
  };
  const server = await startServer(options);
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, ...client });
  const ask = async (): Promise<number | undefined> => {
    const request = get(`${server.url}/v2/_catalog`, { agent });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    return answer.statusCode;
  };
  try {
    expect(await ask()).toBe(200);
    const { needsRestart } = await server.reload({ ...options, tls: { ...certificate } });
    expect(needsRestart).toEqual(['server.client_ca_file']);
    expect(await ask()).toBe(401);
    await server.reload(options);
    expect(await ask()).toBe(200);
    await server.reload({ ...options, tls: { ...certificate, clientCa: secured.ca ?? '' } });
    expect(await ask()).toBe(401);
  } finally {
    agent.destroy();
    await server.close();
  }
});

test('a registry token of a client certificate is good only beside that certificate', async () => {
  const { ca, client, server: certificate } = await testAuthority();
  const actions = ['list'] as const;
  const access = { rules: [{ who: ['certificate:tester'], namespaces: ['*'], actions }] };
  const server = await startServer({
    ...(await load('tls', '')),
    listen: { host: '127.0.0.1', port: 0 },
    access,
    tls: { ...certificate, clientCa: ca },
  });
  const ask = async (path: string, options: object): Promise<{ status: number; body: string }> => {
    const request = get(server.url + path, { ca, agent: false, ...options });
    const [answer] = (await once(request, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
    return { status: answer.statusCode ?? 0, body };
  };
  try {
    const { body } = await ask('/token?scope=registry:catalog:*', client);
    const headers = bearer((JSON.parse(body) as { token: string }).token);
    expect(await ask('/v2/_catalog', { ...client, headers })).toMatchObject({ status: 200 });
    expect(await ask('/v2/_catalog', { headers })).toMatchObject({ status: 401 });
  } finally {
    await server.close();
  }
});

test('the limit of connections is the new one', async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  const options = { ...(await load('before', '')), listen };
  const server = await startServer(options);
  const { port } = new URL(server.url);
  const held = connect(Number(port), '127.0.0.1');
  await once(held, 'connect');
  try {
    await server.reload({ ...options, limits: { maxConnections: 1 } });
    // Beyond the limit one of the two is closed, whichever it is.
    const more = connect(Number(port), '127.0.0.1');
    for (const socket of [held, more]) socket.on('error', () => {});
    const closed = Promise.race([once(held, 'close'), once(more, 'close')]);
    await expect(closed).resolves.toBeDefined();
    more.destroy();
  } finally {
    held.destroy();
    await server.close();
  }
});
