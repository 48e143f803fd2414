import { chmod, mkdir, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseRegistryHost } from '@oci/spec-types';
import { type TemporaryDirectory, startRegistry, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { dockerConfigCredentials } from './docker-config.js';
import { type LoginOptions, login, logout } from './login.js';

const user = { username: 'tester', password: 'se:cret' };
const credential = { kind: 'password', ...user } as const;

let home: TemporaryDirectory;
let file: string;
beforeEach(async () => {
  home = await temporaryDirectory();
  file = join(home.path, '.docker', 'config.json');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await home.remove();
});

const place = () => ({ env: {}, homeDir: home.path });
const attempt = (url: string, change: Partial<LoginOptions> = {}) =>
  login({ ...place(), connection: { url }, credential, ...change });
const stored = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;

async function put(content: unknown): Promise<void> {
  await mkdir(join(home.path, '.docker'), { recursive: true });
  await writeFile(file, JSON.stringify(content));
}

test.each([{ basic: user }, { bearer: user }])(
  'stores what the registry accepts, for its owner only, and takes it out again',
  async (auth) => {
    await using registry = await startRegistry({ auth });
    const host = parseRegistryHost(registry.host);
    expect(await attempt(registry.url)).toEqual({
      registry: host,
      storedIn: file,
      inTheClear: true,
      verified: true,
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(home.path, '.docker'))).toEqual(['config.json']);
    expect(await dockerConfigCredentials(place())(host)).toMatchObject(credential);
    expect(await logout(host, place())).toEqual({
      removedFrom: [file],
      remaining: { registry: host, kind: 'anonymous' },
    });
    expect(await stored()).toEqual({ auths: {} });
  },
);

test('a password that the registry does not accept is not stored', async () => {
  await using registry = await startRegistry({ auth: { bearer: user } });
  const wrong = { ...credential, password: 'wrong' };
  const failing = attempt(registry.url, { credential: wrong });
  await expect(failing).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    hint: expect.stringMatching(/^Check the user name and the password/),
  });
  await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('says when nobody asked who we are', async () => {
  await using registry = await startRegistry();
  expect(await attempt(registry.url)).toMatchObject({ verified: false });
});

test('keeps what else is in the file, and replaces the old spelling of the host', async () => {
  await using registry = await startRegistry();
  const { host } = registry;
  const others = { 'other.example': { auth: 'eDp5' }, [`${host}/team`]: { auth: 'eDp5' } };
  await put({
    HttpHeaders: { 'x-a': 'b' },
    detachKeys: 'ctrl-q',
    auths: { ...others, [`http://${host}/v1/`]: { auth: 'eDp5' } },
  });
  await attempt(registry.url);
  const auth = Buffer.from('tester:se:cret').toString('base64');
  expect(await stored()).toEqual({
    HttpHeaders: { 'x-a': 'b' },
    detachKeys: 'ctrl-q',
    auths: { ...others, [host]: { auth } },
  });
  await logout(parseRegistryHost(host), place());
  expect((await stored())['auths']).toEqual(others);
});

test('writes through a link, and not over a file that it does not understand', async () => {
  await using registry = await startRegistry();
  await mkdir(join(home.path, '.docker'));
  const real = join(home.path, 'real.json');
  await writeFile(real, '{"auths":{}}');
  await symlink(real, file);
  await attempt(registry.url);
  expect(await readFile(real, 'utf8')).toContain(registry.host);
  await writeFile(real, '{"auths":');
  await expect(attempt(registry.url)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(await readFile(real, 'utf8')).toBe('{"auths":');
});

test('gives the secret to the helper that is configured, and nothing of it to the file', async () => {
  const bin = join(home.path, 'bin');
  await mkdir(bin);
  const vault = join(home.path, 'vault');
  const script = `#!/bin/sh
case $1 in
  store) cat > ${vault};;
  get) if [ -f ${vault} ]; then cat ${vault}; else echo 'credentials not found in native keychain'; exit 1; fi;;
  erase) rm ${vault};;
esac`;
  await writeFile(join(bin, 'docker-credential-vault'), script);
  await chmod(join(bin, 'docker-credential-vault'), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
  await put({ credsStore: 'vault' });
  await using registry = await startRegistry({ auth: { basic: user } });
  const host = parseRegistryHost(registry.host);
  expect(await attempt(registry.url)).toMatchObject({
    storedIn: 'docker-credential-vault',
    inTheClear: false,
  });
  expect(await stored()).toEqual({ credsStore: 'vault', auths: { [host]: {} } });
  expect(JSON.parse(await readFile(vault, 'utf8'))).toEqual({
    ServerURL: host,
    Username: 'tester',
    Secret: 'se:cret',
  });
  expect(await dockerConfigCredentials(place())(host)).toMatchObject({
    ...credential,
    from: `docker-credential-vault, named in ${file}`,
  });
  expect(await logout(host, place())).toMatchObject({
    removedFrom: ['docker-credential-vault', file],
    remaining: { kind: 'anonymous' },
  });
});

const platformStore = process.platform === 'darwin' ? 'osxkeychain' : 'secretservice';

test.each([
  ['works', 'cat > /dev/null', 'docker-credential-secretservice', ['auths', 'credsStore']],
  ['needs a desktop', 'exit 1', 'config.json', ['auths']],
])(
  'takes the store of the platform, as docker does, when it %s',
  async (_, script, storedIn, members) => {
    const bin = join(home.path, 'bin');
    await mkdir(bin);
    for (const suffix of ['secretservice', 'osxkeychain']) {
      const program = join(bin, `docker-credential-${suffix}`);
      await writeFile(program, `#!/bin/sh\n${script}\n`);
      await chmod(program, 0o755);
    }
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    await using registry = await startRegistry({ auth: { basic: user } });
    const result = await attempt(registry.url, { env: { PATH: bin } });
    expect(result.storedIn.replace('osxkeychain', 'secretservice')).toContain(storedIn);
    expect(result.inTheClear).toBe(members.length === 1);
    expect(Object.keys(await stored()).sort()).toEqual(members);
    await rm(file);
    const host = parseRegistryHost(registry.host);
    expect(await logout(host, { ...place(), env: { PATH: bin } })).toMatchObject({
      removedFrom: members.length === 1 ? [] : [storedIn.replace('secretservice', platformStore)],
    });
  },
);

test('stores an identity token as docker does', async () => {
  await using registry = await startRegistry({ auth: { bearer: { ...user, refreshToken: 'r' } } });
  await attempt(registry.url, { credential: { kind: 'refresh', token: 'r' } });
  expect(await dockerConfigCredentials(place())(registry.host)).toMatchObject({
    kind: 'refresh',
    token: 'r',
  });
});

test.each([
  { kind: 'password', username: '', password: 'x' },
  { kind: 'password', username: 'a:b', password: 'x' },
  { kind: 'password', username: 'a', password: '' },
  { kind: 'refresh', token: '' },
] as const)('%j is no credential to log in with', async (incomplete) => {
  const failing = attempt('http://127.0.0.1:1', { credential: incomplete });
  await expect(failing).rejects.toMatchObject({ code: 'USAGE' });
});

test('logout says what still gives a credential', async () => {
  const host = parseRegistryHost('registry.example');
  await put({ auths: { [host]: { auth: 'YTpi' } } });
  const DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { [host]: { auth: 'YTpi' } } });
  const left = await logout(host, { ...place(), env: { DOCKER_AUTH_CONFIG } });
  expect(left).toEqual({
    removedFrom: [file],
    remaining: { registry: host, kind: 'password', username: 'a', from: 'DOCKER_AUTH_CONFIG' },
  });
});
