import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parseRepositoryName } from '@oci/spec-types';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { chainCredentials, reportCredential, staticCredentials } from './credential.js';
import { dockerConfigCredentials, dockerConfigHeaders } from './docker-config.js';

let home: TemporaryDirectory;
beforeEach(async () => {
  home = await temporaryDirectory();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await home.remove();
});

async function put(file: string, content: unknown): Promise<string> {
  const path = join(home.path, file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** A helper on the PATH, as a shell script. */
async function helper(suffix: string, script: string): Promise<void> {
  const path = await put(`bin/docker-credential-${suffix}`, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  vi.stubEnv('PATH', `${join(home.path, 'bin')}:${process.env['PATH']}`);
}

const source = (env: Record<string, string> = {}) =>
  dockerConfigCredentials({
    env: { XDG_RUNTIME_DIR: join(home.path, 'no-run'), ...env },
    homeDir: home.path,
  });
/** What is found, without where. */
const find = async (registry: string, env: Record<string, string> = {}) => {
  const found = await source(env)(registry);
  return found && { ...found, from: undefined };
};
const encoded = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const password = (username: string, secret: string) => ({
  kind: 'password',
  username,
  password: secret,
});

test.each([
  ['a host', { 'registry.example': encoded('me:pass:word') }, 'registry.example'],
  ['a host with a port', { 'localhost:5000': encoded('me:pass:word') }, 'localhost:5000'],
  ['a URL', { 'https://registry.example/v1/': encoded('me:pass:word') }, 'registry.example'],
  ['Docker Hub', { 'https://index.docker.io/v1/': encoded('me:pass:word') }, 'docker.io'],
  [
    'members',
    { 'registry.example': { username: 'me', password: 'pass:word' } },
    'registry.example',
  ],
  ['NULs at the end', { 'registry.example': encoded('me:pass:word\0\0') }, 'registry.example'],
])('finds what is stored under %s', async (_, auths, registry) => {
  await put('.docker/config.json', { auths });
  expect(await find(registry)).toEqual(password('me', 'pass:word'));
});

test.each([
  ['another host', { 'registry.example.evil': encoded('me:word') }],
  ['a part of its name', { example: encoded('me:word'), 'y.example': encoded('me:word') }],
  ['another port', { 'registry.example:5000': encoded('me:word') }],
  ['no user', { 'registry.example': encoded(':word') }],
  ['nothing', { 'registry.example': {} }],
  ['the prototype', JSON.parse('{"__proto__":{"auth":"bWU6d29yZA=="}}') as object],
])(
  'finds nothing for registry.example under %s (sigstore-js: a part of a name matched)',
  async (_, auths) => {
    await put('.docker/config.json', { auths });
    expect(await find('registry.example')).toBeUndefined();
  },
);

test.each<[string, unknown, string]>([
  ['was encoded twice', { auths: { a: encoded(btoa('me:word')) } }, 'auths."a" has auth that was'],
  ['has no colon', { auths: { a: encoded('word') } }, 'auths."a" has auth that is not the base64'],
  [
    'is no text',
    { auths: { 'https://a/v2/': { auth: 7 } } },
    'auths."https://a/v2/" has auth that',
  ],
  ['is no entry', { auths: { a: 'me:word' } }, 'auths."a" is not a JSON object'],
  ['stands in a list', { auths: [encoded('me:word')] }, 'auths is not a JSON object'],
  ['is of a helper without a name', { credHelpers: { a: 7 } }, 'credHelpers."a" is not text'],
])(
  'a credential that %s is named by file and entry, without itself (oras-py #231)',
  async (_, content, why) => {
    const path = await put('.docker/config.json', content);
    await expect(find('a')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`${path} are not usable: ${why}`) as string,
    });
    await expect(find('a')).rejects.not.toThrow(/me:word|bWU6|d29y/);
  },
);

test('a byte order mark before the JSON does not matter (devcontainers/cli #1098)', async () => {
  const text = JSON.stringify({ auths: { a: encoded('me:word') } });
  await put('.docker/config.json', `\uFEFF${text}`);
  expect(await find('a')).toEqual(password('me', 'word'));
});

test('null members are missing ones', async () => {
  await put('.docker/config.json', { auths: { a: null }, credHelpers: null, HttpHeaders: null });
  expect(await find('a')).toBeUndefined();
});

test('asks the store of the platform where the configuration says nothing', async ({ skip }) => {
  skip(process.platform !== 'linux', 'the stores of Linux are meant');
  await helper('pass', `echo '{"Username":"store","Secret":"x"}'`);
  await helper('secretservice', 'echo "no desktop"; exit 1');
  const PATH = join(home.path, 'bin');
  // Without the program `pass` it is the desktop's store, which may not work and is no error then.
  expect(await find('a', { PATH })).toBeUndefined();
  await put('bin/pass', '#!/bin/sh\n');
  await chmod(join(PATH, 'pass'), 0o755);
  expect(await find('a', { PATH })).toEqual(password('store', 'x'));
  await put('.docker/config.json', { auths: {}, HttpHeaders: {} });
  expect(await find('a', { PATH })).toEqual(password('store', 'x'));
  for (const content of [{ auths: { b: {} } }, { credHelpers: { b: 'none' } }]) {
    await put('.docker/config.json', content);
    expect(await find('a', { PATH })).toBeUndefined();
  }
  const file = await put('other.json', {});
  expect(await find('a', { PATH, REGISTRY_AUTH_FILE: file })).toBeUndefined();
});

test('reads the HttpHeaders of docker, and none that HTTP or a credential needs', async () => {
  const headers = dockerConfigHeaders({ env: {}, homeDir: home.path });
  expect(await headers()).toEqual({});
  await put('.docker/config.json', {
    HttpHeaders: {
      'X-Access': 'abc',
      Authorization: 'x',
      Host: 'x',
      'a b': 'x',
      n: 1,
      bad: 'a\nb',
    },
  });
  expect(await headers()).toEqual({ 'X-Access': 'abc' });
  await put('.docker/config.json', 'broken');
  expect(await headers()).toEqual({});
});

test('knows identity tokens and registry tokens', async () => {
  await put('.docker/config.json', {
    auths: { a: { identitytoken: 'refresh' }, b: { registrytoken: 'bearer' } },
  });
  expect(await find('a')).toEqual({ kind: 'refresh', token: 'refresh' });
  expect(await find('b')).toEqual({ kind: 'bearer', token: 'bearer' });
});

test('looks into the files of docker and podman, in this order', async () => {
  expect(await find('a')).toBeUndefined();
  await put('.config/containers/auth.json', { auths: { a: encoded('config:x') } });
  expect(await find('a')).toEqual(password('config', 'x'));
  await put('run/containers/auth.json', { auths: { a: encoded('runtime:x') } });
  const env = { XDG_RUNTIME_DIR: join(home.path, 'run') };
  expect(await find('a', env)).toEqual(password('runtime', 'x'));
  await put('.docker/config.json', { auths: { a: encoded('docker:x') } });
  expect(await find('a', env)).toEqual(password('docker', 'x'));
  await put('elsewhere/config.json', { auths: { a: encoded('elsewhere:x') } });
  expect(await find('a', { DOCKER_CONFIG: join(home.path, 'elsewhere') })).toEqual(
    password('elsewhere', 'x'),
  );
  const file = await put('auth.json', { auths: { a: encoded('file:x') } });
  expect(await find('a', { REGISTRY_AUTH_FILE: file })).toEqual(password('file', 'x'));
});

test.each(['{"auths":{"a":{"auth":"c2VjcmV0', '[]', '"secret"', 'null'])(
  'a file with %j is CONFIG_INVALID, names itself and not its content',
  async (content) => {
    const path = await put('.docker/config.json', content);
    const error: unknown = await find('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(path),
    });
    expect(String(error)).not.toContain('c2Vj');
  },
);

test('asks the helper of the registry before the store and before what stands in the file', async () => {
  await helper('own', `read server; echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"$1\\"}"`);
  await helper('store', `echo '{"Username":"store","Secret":"x"}'`);
  await put('.docker/config.json', {
    auths: { a: encoded('file:x'), b: encoded('file:x') },
    credHelpers: { a: 'own' },
    credsStore: 'store',
  });
  expect(await find('a')).toEqual(password('a', 'get'));
  expect(await find('b')).toEqual(password('store', 'x'));
});

test('a helper gives an identity token by its user name', async () => {
  await helper('own', `echo '{"Username":"<token>","Secret":"refresh"}'`);
  await put('.docker/config.json', { credHelpers: { a: 'own' } });
  expect(await find('a')).toEqual({ kind: 'refresh', token: 'refresh' });
});

test('a store that does not know the registry leaves it to the file', async () => {
  await helper('store', `echo 'credentials not found in native keychain'; exit 1`);
  await put('.docker/config.json', { auths: { a: encoded('file:x') }, credsStore: 'store' });
  expect(await find('a')).toEqual(password('file', 'x'));
});

test.each([
  ['fails', 'echo "secret went wrong"; exit 2', 'failed with exit code 2'],
  ['says nothing of use', 'echo secret', 'not JSON'],
  ['leaves the secret out', `echo '{"Username":"me"}'`, 'without a secret'],
])(
  'a helper that %s is an error, never another credential (CVE-2021-41092)',
  async (_, script, why) => {
    await helper('broken', script);
    await put('.docker/config.json', { auths: { a: encoded('file:x') }, credsStore: 'broken' });
    const error: unknown = await find('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringContaining(
        `docker-credential-broken ${why.startsWith('not') ? 'answered what is ' : ''}`,
      ),
      hint: expect.any(String),
    });
    expect(String(error)).toContain(why);
    expect(String(error)).not.toContain('secret went');
  },
);

test.each(['missing', '../../bin/sh', 'a b', '; rm'])('a helper %j is not run', async (name) => {
  await put('.docker/config.json', { credsStore: name });
  await expect(find('a')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
});

test('the longest key of a repository counts, and a host for all of them', async () => {
  await put('.config/containers/auth.json', {
    auths: {
      'registry.example': encoded('host:x'),
      'registry.example/team': encoded('team:x'),
      'registry.example/team/app': encoded('app:x'),
      'registry.example/te': encoded('te:x'),
    },
  });
  const userOf = async (repository: string) => {
    const name = parseRepositoryName(repository);
    return (await reportCredential(source(), 'registry.example', { repository: name })).username;
  };
  expect(await userOf('team/app')).toBe('app');
  expect(await userOf('team/app/part')).toBe('app');
  expect(await userOf('team/application')).toBe('team');
  expect(await userOf('tea')).toBe('host');
  expect(await userOf('other')).toBe('host');
  expect(await find('registry.example')).toEqual(password('host', 'x'));
});

test('a key for a part of the registry is not for all of it', async () => {
  await put('.docker/config.json', { auths: { 'registry.example/team': encoded('team:x') } });
  expect(await find('registry.example')).toBeUndefined();
});

test('DOCKER_AUTH_CONFIG comes before every file, and names itself when it is broken', async () => {
  await put('.docker/config.json', { auths: { a: encoded('file:x'), b: encoded('file:x') } });
  const DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { a: encoded('variable:x') } });
  expect(await find('a', { DOCKER_AUTH_CONFIG })).toEqual(password('variable', 'x'));
  expect(await find('b', { DOCKER_AUTH_CONFIG })).toEqual(password('file', 'x'));
  await expect(find('a', { DOCKER_AUTH_CONFIG: '{secret' })).rejects.toMatchObject({
    message: 'the credentials in DOCKER_AUTH_CONFIG are not usable: it is not JSON',
  });
});

test('reads ~/.dockercfg, whose entries stand at the top', async () => {
  await put('.dockercfg', { 'https://registry.example/v1/': encoded('old:x') });
  expect(await find('registry.example')).toEqual(password('old', 'x'));
});

test('says where a credential comes from, and not what it is', async () => {
  const path = await put('.docker/config.json', { auths: { a: encoded('me:word') } });
  const report = await reportCredential(source(), 'a');
  expect(report).toEqual({ registry: 'a', kind: 'password', username: 'me', from: path });
  expect(await reportCredential(source(), 'b')).toEqual({ registry: 'b', kind: 'anonymous' });
});

test('a file that changes is read again', async () => {
  await put('.docker/config.json', { auths: { a: encoded('first:x') } });
  const credentials = source();
  expect(await credentials('a')).toMatchObject({ username: 'first' });
  await put('.docker/config.json', { auths: { a: encoded('second-one:x') } });
  expect(await credentials('a')).toMatchObject({ username: 'second-one' });
});

test('asks a helper once for a host, for all who wait, and again when it was refused', async () => {
  const log = join(home.path, 'log');
  await helper('own', `read s; echo $s >> ${log}; echo '{"Username":"me","Secret":"x"}'`);
  await put('.docker/config.json', { credHelpers: { a: 'own', b: 'own' } });
  const credentials = source();
  await Promise.all([credentials('a'), credentials('a'), credentials('a')]);
  await credentials('a');
  expect(await readFile(log, 'utf8')).toBe('a\n');
  await credentials('c');
  await credentials('a', { fresh: true });
  expect(await readFile(log, 'utf8')).toBe('a\na\n');
});

/** A helper that tells its process id and hangs. @returns the id, as soon as it runs */
async function hangingHelper(suffix: string): Promise<() => Promise<number>> {
  const path = join(home.path, `${suffix}.pid`);
  await helper(suffix, `echo $$ > ${path}.new && mv ${path}.new ${path}; exec sleep 60`);
  return async () => Number(await vi.waitFor(() => readFile(path, 'utf8'), { timeout: 10_000 }));
}

async function expectEnded(pid: number): Promise<void> {
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000 });
}

test('a helper is ended when nobody waits for it any longer, and not before', async () => {
  const started = await hangingHelper('slow');
  await put('.docker/config.json', { credHelpers: { a: 'slow' } });
  const credentials = source();
  const [first, second] = [new AbortController(), new AbortController()];
  const answers = [first, second].map(({ signal }) =>
    expect(credentials('a', { signal })).rejects.toMatchObject({ code: 'ABORTED' }),
  );
  const pid = await started();
  first.abort();
  await answers[0];
  expect(process.kill(pid, 0)).toBe(true);
  second.abort();
  await answers[1];
  await expectEnded(pid);
  await helper('slow', `echo '{"Username":"me","Secret":"x"}'`);
  expect(await credentials('a')).toMatchObject({ username: 'me' });
});

test('a helper that hangs is ended, and one that floods is not read to its end', async () => {
  const limited = dockerConfigCredentials({
    env: { XDG_RUNTIME_DIR: home.path },
    homeDir: home.path,
    helperTimeoutMs: 200,
  });
  await put('.docker/config.json', { credHelpers: { a: 'slow', b: 'flood' } });
  await helper('slow', 'exec sleep 60');
  await expect(limited('a')).rejects.toMatchObject({
    message: 'the credential helper docker-credential-slow did not answer within 200 ms',
  });
  await helper('flood', 'exec cat /dev/zero');
  await expect(source()('b')).rejects.toMatchObject({
    message: 'the credential helper docker-credential-flood answered more than 65536 bytes',
  });
});

test('a chain takes the first that knows, and ends with one that fails', async () => {
  const mine = staticCredentials('a', { kind: 'bearer', token: 'x' });
  const failing = async (): Promise<undefined> => {
    throw new Error('broken');
  };
  expect(await chainCredentials(async () => undefined, mine, failing)('a')).toEqual({
    kind: 'bearer',
    token: 'x',
  });
  await expect(chainCredentials(mine, failing)('b')).rejects.toThrow('broken');
});
