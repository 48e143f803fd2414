import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { interpolate } from './interpolation.js';
import { loadSettings } from './load.js';
import { routeSettings } from './route-settings.js';
import { environmentName } from './setting.js';
import { managerSettings } from './settings.js';

describe('loadSettings', () => {
  let work: TemporaryDirectory;
  let configFile: string;

  beforeEach(async () => {
    work = await temporaryDirectory('oci-config-');
    configFile = join(work.path, 'config.defaults.toml');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await work.remove();
  });

  const load = (text: string, rest: Parameters<typeof loadSettings>[0] = {}) =>
    writeFile(configFile, text).then(() =>
      loadSettings({ configFile, env: {}, cwd: work.path, ...rest }),
    );

  it("reads the guide's section", async () => {
    const { values } = await load(`
      [orchestrator]
      port = 8080
      [orchestrator.paths]
      base = "/srv"
      data_dir = "{{orchestrator.paths.base}}/data"
      [orchestrator.oci]
      registry_url = "http://localhost:5000"
      namespace = "provisioning-extensions"
      cache_dir = "{{orchestrator.paths.data_dir}}/oci-cache"
    `);
    expect(values).toMatchObject({
      registry_url: 'http://localhost:5000',
      namespace: 'provisioning-extensions',
      cache_dir: '/srv/data/oci-cache',
    });
  });

  it.each([
    ['a link', (path: string) => symlink('/', path)],
    [
      'a directory that others may write to',
      (path: string) => mkdir(path).then(() => chmod(path, 0o777)),
    ],
  ])('without a home leaves alone what somebody else put in its place: %s', async (_, plant) => {
    vi.stubEnv('HOME', '/');
    vi.stubEnv('TMPDIR', work.path);
    const usual = join(work.path, `ocictl-${process.getuid?.() ?? 0}`);
    expect((await load('')).values.cache_dir.startsWith(`${usual}/`)).toBe(true);
    await work.remove();
    await mkdir(work.path);
    await plant(usual);
    const { values } = await load('');
    expect(values.cache_dir.startsWith(`${usual}-`)).toBe(true);
  });

  it('takes a flag before the environment before the file before the default', async () => {
    const file = '[orchestrator.oci]\nnamespace = "file"\n';
    const env = { OCI_NAMESPACE: 'environment' };
    expect((await load(file, { env, flags: { namespace: 'flag' } })).values.namespace).toBe('flag');
    expect((await load(file, { env })).values.namespace).toBe('environment');
    const { sources: named } = await load(file, { flags: { registry_url: 'r', namespace: 'n' } });
    expect(named.get('registry_url')).toEqual({ from: 'flag', name: '--registry' });
    expect(named.get('namespace')).toEqual({ from: 'flag', name: '--namespace' });
    expect((await load(file)).values.namespace).toBe('file');
    const { values, sources } = await load('');
    expect(values.namespace).toBe('provisioning-extensions');
    expect(sources.get('namespace')).toEqual({ from: 'default' });
  });

  it('reads every setting from its variable, by its kind, but tables of tables', async () => {
    const samples = new Map<unknown, readonly [text: string, value: unknown]>([
      ['text', ['a', 'a']],
      ['path', ['/a', '/a']],
      ['flag', ['true', true]],
      ['list', ['a,b', ['a', 'b']]],
      ['milliseconds', ['5', 5]],
      ['count', ['7', 7]],
      ['bytes', ['5kB', 5000]],
      [routeSettings, ['{"kcl":"a.example"}', new Map([['kcl', 'a.example']])]],
    ]);
    for (const [key, { kind }] of Object.entries(managerSettings)) {
      const [text, value] = samples.get(kind) ?? ['[]', new Map()];
      const { values } = await load('', { env: { [environmentName(key)]: text } });
      expect(values[key as 'namespace']).toEqual(value);
    }
  });

  it('reads the settings of a program beside its own', async () => {
    const own = {
      'server.listen': { kind: 'text', description: 'an address', default: 'a:1' },
      'server.level': { kind: { choice: ['low', 'high'] }, description: 'a level' },
      'access.tokens': { kind: 'tables', description: 'tokens', default: [] },
    } as const;
    const file = '[orchestrator.oci.server]\nlevel = "low"\n[orchestrator.oci.audit]\nx = 1\n';
    await writeFile(configFile, file);
    const inputs = { configFile, cwd: work.path };
    const env = { OCI_SERVER_LISTEN: 'b:2', OCI_ACCESS_TOKENS: '[{"name":"a"}]' };
    const { values, sources } = await loadSettings({ ...inputs, env }, own);
    expect(values).toMatchObject({
      namespace: 'provisioning-extensions',
      'server.listen': 'b:2',
      'server.level': 'low',
      'access.tokens': [{ name: 'a' }],
    });
    expect(sources.get('server.level')).toEqual({ from: 'file', path: configFile });
    const wrong = { OCI_SERVER_LEVEL: 'middle' };
    await expect(loadSettings({ ...inputs, env: wrong }, own)).rejects.toThrow(
      'server.level (environment OCI_SERVER_LEVEL) has to be one of low, high',
    );
  });

  it('passes over the tables of other programs', async () => {
    const tables = '[orchestrator.oci.server]\nlisten = 5\nodd = "{{no.where}}"\n';
    const { values, sources } = await load(`${tables}[[orchestrator.oci.access.rules]]\n`);
    expect([...sources.keys(), ...Object.keys(values)].join(' ')).not.toMatch(/server|access/);
  });

  it('starts relative paths from the file, and those of flags from the working directory', async () => {
    await mkdir(join(work.path, 'elsewhere'));
    const { values } = await load('[orchestrator.oci]\ncache_dir = "cache"\n', {
      cwd: join(work.path, 'elsewhere'),
      flags: { install_dir: 'ext' },
    });
    expect(values.cache_dir).toBe(join(work.path, 'cache'));
    expect(values.install_dir).toBe(join(work.path, 'elsewhere/ext'));
  });

  it('leaves tables of others alone beside its own', async () => {
    const { values } = await load('[server]\nport = 1\n[orchestrator.oci]\nnamespace = "own"\n');
    expect(values.namespace).toBe('own');
  });

  it.each([
    ['[orchestrator.oci]\nregistry_ur = "x"', /registry_ur .*|unknown key/, /registry_url/],
    [
      '[orchestrator.oci.cache]\nmoving_tag_ttl = 1',
      /cache\.moving_tag_ttl/,
      /cache\.moving_tag_ttl_ms/,
    ],
    ['[orchestrator.oci]\nnamespace = 5', /namespace/, /(?:)/],
    ['[orchestrator.oci.sever]\nlisten = "a:1"', /sever\.listen/, /server/],
    ['[orchestrator.oci.acess]\nrules = []', /acess\.rules/, /access/],
    ['[orchestrator.oci]\nplain_http = "maybe"', /plain_http/, /(?:)/],
    ['[orchestrator.oci]\nrepositories = [1]', /repositories/, /(?:)/],
    ['[orchestrator.oci.cache]\nmoving_tag_ttl_ms = -1', /moving_tag_ttl_ms/, /(?:)/],
    ['[orchestrator]\noci = 5', /oci/, /(?:)/],
    ['[orchestator.oci.access]\nrules = []', /reads the table \[orchestator\]/, /\[orchestrator\]/],
    ['[access]\nrules = []', /\[access\]/, /\[orchestrator\.oci\.access\]/],
    ['not toml', /not TOML: line 1, column \d+: [^\n]+$/, /(?:)/],
    ['[orchestrator.oci]\ncache_dir = "{{a.b}}"', /a\.b/, /(?:)/],
    [
      '[a]\nb = "{{a.c}}"\nc = "{{a.b}}"\n[orchestrator.oci]\ncache_dir = "{{a.b}}"',
      /itself/,
      /(?:)/,
    ],
    ['[a.b]\n[orchestrator.oci]\ncache_dir = "{{a.b}}"', /simple value/, /(?:)/],
  ])('refuses %j', async (text, message, hint) => {
    await expect(load(text)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('says which file is missing', async () => {
    const missing = join(work.path, 'missing.toml');
    await expect(loadSettings({ configFile: missing, env: {} })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(missing),
    });
  });

  it('leaves texts without placeholders as they are', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('{{'));
        expect(interpolate(text, { document: {}, path: 'x', key: 'y' })).toBe(text);
      }),
    );
  });
});
