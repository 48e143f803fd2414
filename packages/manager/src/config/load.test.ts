import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { interpolate } from './interpolation.js';
import { loadSettings } from './load.js';
import { environmentName, settingDefinitions } from './settings.js';

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

  it('reads every setting from its variable, by its kind', async () => {
    const samples = {
      text: 'a',
      path: '/a',
      flag: 'true',
      list: 'a,b',
      milliseconds: '5',
      count: '7',
      tables: '[{"name":"a"}]',
      bytes: '5kB',
    } as const;
    const parsed = {
      text: 'a',
      path: '/a',
      flag: true,
      list: ['a', 'b'],
      milliseconds: 5,
      count: 7,
      tables: [{ name: 'a' }],
      bytes: 5000,
    } as const;
    for (const [key, { kind }] of Object.entries(settingDefinitions)) {
      const name = environmentName(key as keyof typeof settingDefinitions);
      const { values } = await load('', { env: { [name]: samples[kind] } });
      expect(values[key as 'namespace']).toEqual(parsed[kind]);
    }
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

  it.each([
    ['[orchestrator.oci]\nregistry_ur = "x"', /registry_ur .*|unknown key/, /registry_url/],
    [
      '[orchestrator.oci.cache]\nmoving_tag_ttl = 1',
      /cache\.moving_tag_ttl/,
      /cache\.moving_tag_ttl_ms/,
    ],
    ['[orchestrator.oci]\nnamespace = 5', /namespace/, /(?:)/],
    ['[orchestrator.oci.access]\nrules = [1]', /access\.rules/, /(?:)/],
    ['[orchestrator.oci.server]\nmax_connections = -1', /max_connections/, /(?:)/],
    ['[orchestrator.oci]\nplain_http = "maybe"', /plain_http/, /(?:)/],
    ['[orchestrator.oci]\nrepositories = [1]', /repositories/, /(?:)/],
    ['[orchestrator.oci.cache]\nmoving_tag_ttl_ms = -1', /moving_tag_ttl_ms/, /(?:)/],
    ['[orchestrator]\noci = 5', /oci/, /(?:)/],
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
