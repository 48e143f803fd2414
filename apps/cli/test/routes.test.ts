import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  kclPackage,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

describe('names with a route', () => {
  let usual: TestRegistry;
  let team: TestRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;

  /** The default registry has a squatter's package under the name of the team's. */
  beforeEach(async () => {
    [usual, team] = await Promise.all([startRegistry(), startRegistry()]);
    work = await temporaryDirectory('ocictl-routes-');
    put(usual, 'core', '1.0.0');
    put(usual, 'team-net', '9.9.9', '# the squatter\n');
    put(team, 'team-net', '1.0.0', '# the team\n');
    put(team, 'core', '1.0.0', '# not asked for\n');
    team.putArtifact(
      'team/taskserv/kubernetes',
      '1.0.0',
      extensionArtifact({ type: 'taskserv', name: 'kubernetes', version: '1.0.0' }),
    );
    for (const registry of [usual, team]) registry.clearRequests();
    await configure();
  });
  afterEach(async () => {
    await Promise.all([usual.close(), team.close()]);
    await work.remove();
  });

  function put(registry: TestRegistry, name: string, version: string, text = 'a = 1\n'): void {
    const files = {
      'kcl.mod': `[package]\nname = "${name}"\nversion = "${version}"\n`,
      'main.k': text,
    };
    registry.putArtifact(`kcl/${name}`, version, kclPackage({ name, version, files }));
  }

  async function configure({ more = '', route = '' } = {}): Promise<void> {
    const config = join(work.path, 'config.toml');
    await writeFile(
      config,
      `[orchestrator.oci]\n${more}
       [orchestrator.oci.routes]
       "team/taskserv" = "${team.url}"
       "kcl/team-*" = "${team.url}"
       ${route}`,
    );
    command = ocictl(work.path, usual.url, { OCI_CONFIG: config, OCI_NAMESPACE: 'team' });
  }

  async function json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { exitCode, stdout, stderr } = await command(...args, '--format', 'json');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  it('are pulled, listed and inspected of their registry alone', async () => {
    expect(await json('kcl', 'pull', 'team-net', '1.0.0')).toMatchObject({
      reference: `${team.host}/kcl/team-net:1.0.0`,
      path: expect.stringContaining('cache/kcl/team-net/1.0.0/package.tar.gz'),
    });
    expect(await json('kcl', 'pull', 'team-net', '*')).toMatchObject({
      reference: `${team.host}/kcl/team-net:1.0.0`,
    });
    expect(await json('exists', 'kcl/team-net', '9.9.9').catch(() => 'missing')).toBe('missing');
    expect(await json('tags', 'kcl/team-net')).toMatchObject({ tags: ['1.0.0'] });
    expect(await json('manifest', 'kcl/team-net', '1.0.0')).toHaveProperty('digest');
    expect(await json('resolve', 'kcl/team-net:1.0.0')).toMatchObject({
      reference: `${team.host}/kcl/team-net:1.0.0`,
    });
    expect(await json('pull', 'kcl/team-net:1.0.0', '-o', join(work.path, 'out'))).toBeDefined();
    await json('referrers', 'kcl/team-net:1.0.0');
    expect(usual.requests).toEqual([]);
    const { artifacts } = await json('list', 'kcl');
    expect(artifacts).toMatchObject([
      { name: 'core', version: '1.0.0' },
      { name: 'team-net', version: '1.0.0' },
    ]);
    const { artifacts: cached } = await json('list', 'kcl', '--offline');
    expect(cached).toMatchObject([{ name: 'team-net' }]);
    expect(usual.requests.some(({ path }) => path.includes('team-net'))).toBe(false);
  });

  it.each([404, 401, 503])('end where their registry answers %d', async (status) => {
    team.fault({ path: '/v2/', status, headers: { 'retry-after': '0' } });
    for (const args of [
      ['kcl', 'pull', 'team-net', '1.0.0'],
      ['exists', 'kcl/team-net', '9.9.9'],
      ['resolve', 'kcl/team-net:9.9.9'],
      ['extension', 'install', 'taskserv', 'kubernetes'],
      ['kcl', 'push', await packageOf('team-new')],
    ]) {
      const { exitCode, stdout } = await command(...args);
      expect({ args, failed: exitCode !== 0, stdout: stdout.includes('path') }).toEqual({
        args,
        failed: true,
        stdout: false,
      });
    }
    expect(usual.requests).toEqual([]);
  });

  async function packageOf(name: string, dependencies = ''): Promise<string> {
    const directory = join(work.path, name);
    await mkdir(directory, { recursive: true });
    await writeFile(
      join(directory, 'kcl.mod'),
      `[package]\nname = "${name}"\nversion = "0.1.0"\n[dependencies]\n${dependencies}`,
    );
    await writeFile(join(directory, 'main.k'), 'a = 1\n');
    return directory;
  }

  it('are pushed, copied, attached to and deleted at their registry', async () => {
    await json('kcl', 'push', await packageOf('team-new'));
    expect(team.requests.some(({ method }) => method === 'PUT')).toBe(true);
    const extension = join(work.path, 'containerd');
    for (const [path, content] of Object.entries(
      sampleExtensionFiles('taskserv', 'containerd', '1.0.0'),
    )) {
      await mkdir(join(extension, path, '..'), { recursive: true });
      await writeFile(join(extension, path), content as string);
    }
    await json('extension', 'push', 'taskserv', extension);
    await writeFile(join(work.path, 'note.txt'), 'note');
    await json('push', 'kcl/team-file:1.0.0', join(work.path, 'note.txt'));
    await json('attach', 'kcl/team-new:0.1.0', join(work.path, 'note.txt'));
    await json('copy', 'kcl/team-net:1.0.0', 'kcl/team-copy:1.0.0');
    await json('delete', 'kcl/team-copy:1.0.0', '--yes');
    expect(usual.requests).toEqual([]);
  });

  it('are vendored and installed from their registry', async () => {
    const directory = await packageOf('app', 'team-net = "*"\n');
    const { packages } = await json('kcl', 'vendor', directory);
    expect(packages).toMatchObject([{ source: `${team.host}/kcl/team-net:1.0.0` }]);
    expect(await readFile(join(directory, 'vendor/team-net_1.0.0/main.k'), 'utf8')).toBe(
      '# the team\n',
    );
    await json('extension', 'install', 'taskserv', 'kubernetes');
    expect(usual.requests).toEqual([]);
    expect(await readdir(command.cacheDir)).not.toContain('registries');
  });

  it('are of the registry that a whole reference says', async () => {
    const whole = `${usual.host}/kcl/team-net`;
    expect(await json('resolve', `${whole}:9.9.9`)).toMatchObject({ registry: usual.host });
    expect(await json('manifest', whole, '9.9.9')).toHaveProperty('digest');
    expect(team.requests).toEqual([]);
  });

  it('and another --registry are refused, before anybody is asked', async () => {
    const directory = await packageOf('team-new');
    for (const args of [
      ['kcl', 'pull', 'team-net', '9.9.9'],
      ['kcl', 'push', directory],
      ['extension', 'pull', 'taskserv', 'kubernetes', '1.0.0'],
      ['extension', 'install', 'taskserv', 'kubernetes'],
      ['exists', 'kcl/team-net', '9.9.9'],
      ['pull', 'kcl/team-net:9.9.9'],
    ]) {
      const { exitCode, stderr } = await command(...args, '--registry', usual.url);
      expect({ args, exitCode }).toEqual({ args, exitCode: 9 });
      expect(stderr).toMatch(/belongs to .* by the route .* --registry says/);
      expect(stderr).toContain('hint: Leave out --registry');
    }
    expect([...usual.requests, ...team.requests]).toEqual([]);
    const same = await command('kcl', 'pull', 'team-net', '1.0.0', '--registry', team.url);
    expect(same).toMatchObject({ exitCode: 0 });
    const core = await command('kcl', 'pull', 'core', '1.0.0', '--registry', usual.url);
    expect(core).toMatchObject({ exitCode: 0 });
  });

  it('are needed with routes_only', async () => {
    await configure({ more: 'routes_only = true' });
    const { exitCode, stderr } = await command('kcl', 'pull', 'core', '1.0.0');
    expect(exitCode).toBe(9);
    expect(stderr).toContain('no route is for kcl/core');
    expect(stderr).toContain('[orchestrator.oci.routes]');
    await json('kcl', 'pull', 'team-net', '1.0.0');
    await json('resolve', `${usual.host}/kcl/core:1.0.0`);
  });

  it('are explained', async () => {
    await configure({ route: '"kcl/team-net-*" = "registry.invalid"' });
    const shown = await command('config', 'route', 'kcl/team-net-core', '--format', 'json');
    const config = join(work.path, 'config.toml');
    expect(expectJson('config-route', shown.stdout)).toEqual({
      repository: 'kcl/team-net-core',
      registry: 'registry.invalid',
      address: 'registry.invalid',
      route: 'kcl/team-net-*',
      source: `file ${config}`,
      passed_over: [{ registry: team.host, address: team.url, route: 'kcl/team-*' }],
      below: [
        { registry: 'registry.invalid', address: 'registry.invalid', route: 'kcl/team-net-*' },
      ],
    });
    const { stdout } = await command('config', 'route', 'kcl');
    expect(stdout).toContain('no route is for it: registry_url (environment OCI_REGISTRY_URL)');
    expect(stdout).toContain(`${team.url}, "kcl/team-*"`);
    const entries = await json('config', 'show');
    expect(entries).toMatchObject({
      settings: { 'routes."kcl/team-*"': { value: team.url, source: `file ${config}` } },
    });
    const resolved = await command('resolve', 'kcl/team-net:1.0.0', '--debug');
    expect(resolved.stdout).toContain(`${team.host}, by the route "kcl/team-*"`);
    expect(resolved.stderr).toContain(`debug: registry of kcl/team-* ${team.url} (file ${config})`);
    expect(
      expectJson(
        'resolve',
        (await command('resolve', 'kcl/team-net:1.0.0', '--format', 'json')).stdout,
      ),
    ).toMatchObject({
      registry: team.host,
      route: 'kcl/team-*',
    });
    expect(usual.requests).toEqual([]);
  });

  it('are explained where only names further below have one', async () => {
    await configure({ more: 'routes_only = true' });
    const shown = await command('config', 'route', 'kcl', '--format', 'json');
    expect(expectJson('config-route', shown.stdout)).toMatchObject({
      registry: null,
      route: null,
      source: expect.stringContaining('file '),
      below: [{ registry: team.host, route: 'kcl/team-*' }],
    });
    const { stdout } = await command('config', 'route', 'kcl');
    expect(stdout).toContain('routes_only refuses it');
    expect(stdout).toContain(`${team.url}, "kcl/team-*"`);
    expect(await command('config', 'route', 'other')).toMatchObject({ exitCode: 9 });
  });

  it('are offered to a shell as they are pulled', async () => {
    await json('kcl', 'pull', 'team-net', '1.0.0');
    await command(
      'pull',
      `${usual.host}/kcl/team-net:9.9.9`,
      '--cache',
      '-o',
      join(work.path, 'o'),
    );
    const { stdout } = await command('__complete', '--', 'kcl', 'pull', '');
    expect(stdout).toBe('team-net\n');
    const versions = await command('__complete', '--', 'kcl', 'pull', 'team-net', '');
    expect(versions.stdout).toBe('1.0.0\n');
  });

  it('with a pattern or a registry that is none are refused, and the message names it', async () => {
    const config = join(work.path, 'config.toml');
    await writeFile(config, '[orchestrator.oci.routes]\n"kcl/**" = "a.example"\n');
    const { exitCode, stderr } = await command('kcl', 'pull', 'core', '1.0.0');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('routes."kcl/**"');
  });
});
