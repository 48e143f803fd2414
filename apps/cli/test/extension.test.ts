import { mkdir, readdir, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  type Files,
  type TemporaryDirectory,
  type TestRegistry,
  image,
  sampleExtensionFiles,
  startRegistry,
  tarOfFiles,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

let registry: TestRegistry;
let work: TemporaryDirectory;
let command: Ocictl;
let installDir: string;

beforeEach(async () => {
  registry = await startRegistry();
  work = await temporaryDirectory('ocictl-extension-');
  command = ocictl(work.path, registry.url);
  installDir = join(work.path, 'installed');
});
afterEach(async () => {
  await registry.close();
  await work.remove();
});

async function directory(name: string, files: Files): Promise<string> {
  const path = join(work.path, name);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), content);
  }
  return path;
}

async function json(schema: string, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await command(...args, '--format', 'json');
  expect({ exitCode, error: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, error: '' });
  return expectJson(schema, stdout);
}

async function push(version: string, extra: Files = {}): Promise<void> {
  const files = { ...sampleExtensionFiles('taskserv', 'kubernetes', version), ...extra };
  await json('push', 'extension', 'push', 'taskserv', await directory(`source-${version}`, files));
}

describe('ocictl extension', () => {
  const at = (): readonly string[] => ['--install-dir', installDir];
  const kubernetes = ['taskserv', 'kubernetes'] as const;
  const home = (): string => join(installDir, ...kubernetes);

  it('passes over images beside an extension, and says so at --debug', async () => {
    await push('1.28.0');
    await push('1.28.1');
    registry.putArtifact('provisioning-extensions/taskserv/kubernetes', 'v1.29.0', image());
    const name = `${new URL(registry.url).host}/provisioning-extensions/taskserv/kubernetes`;
    const passedOver = `debug: passed over ${name}:v1.29.0: it is a container image\n`;
    const commands = [
      ['extension', 'install', ...kubernetes, ...at()],
      ['extension', 'pull', ...kubernetes, '^1'],
      ['extension', 'list', '--outdated', ...at()],
    ];
    for (const words of commands) {
      const quiet = await command(...words);
      expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
      expect(quiet.stdout).toContain('1.28.1');
      expect(quiet.stdout).not.toContain('1.29.0');
      expect((await command('-d', ...words)).stderr).toContain(passedOver);
    }
  });

  it('installs, upgrades, rolls back and uninstalls', async () => {
    await push('1.28.0');
    const installed = await json(
      'install',
      'extension',
      'install',
      ...kubernetes,
      '1.28.0',
      ...at(),
    );
    expect(installed).toMatchObject({ path: join(home(), '1.28.0'), changed: true });
    expect(await readdir(join(home(), 'current', 'default'))).toContain('install-kubernetes.sh');

    await push('1.29.0');
    expect(await json('installed', 'extension', 'list', '--outdated', ...at())).toMatchObject({
      extensions: [{ current: '1.28.0', latest: '1.29.0', outdated: true }],
    });
    await json('install', 'extension', 'install', ...kubernetes, '^1.28', ...at());
    expect(await readlink(join(home(), 'current'))).toBe('1.29.0');

    const back = await json('rollback', 'extension', 'rollback', ...kubernetes, ...at());
    expect(back).toMatchObject({ from: '1.29.0', version: '1.28.0' });
    expect(await json('installed', 'extension', 'list', ...at())).toMatchObject({
      extensions: [{ current: '1.28.0', previous: '1.29.0' }],
    });

    const inUse = await command('extension', 'uninstall', ...kubernetes, '1.28.0', ...at());
    expect(inUse).toMatchObject({ exitCode: 2, stdout: '' });
    const removed = await json('uninstall', 'extension', 'uninstall', ...kubernetes, ...at());
    expect(removed).toMatchObject({ versions: ['1.28.0', '1.29.0'] });
    expect((await command('extension', 'list', ...at())).stdout).toBe(
      `nothing is installed in ${installDir}\n`,
    );
  });

  it('installs what it needs, and the same again by the lock file', async () => {
    const needs =
      '[extension]\nname = "web"\nversion = "1.0.0"\n[dependencies]\nextensions = ["taskserv/kubernetes@^1.28"]\n';
    await push('1.28.0');
    const web = await directory('web', { 'extension.toml': needs });
    await json('push', 'extension', 'push', 'cluster', web);
    const lock = join(work.path, 'extensions.lock');
    const args = ['extension', 'install', 'cluster', 'web', '--lock', lock, ...at()];
    expect(await json('install', ...args)).toMatchObject({
      name: 'web',
      dependencies: [{ name: 'kubernetes', version: '1.28.0' }],
    });
    const { stdout } = await command('extension', 'list', '--tree', ...at());
    expect(stdout).toMatch(
      /─ kubernetes  needed by cluster\/web\n.*─ 1\.28\.0 \(in use\)  content sha256:/,
    );
    expect(stdout).toMatch(/─ 1\.0\.0 \(in use\) .*\n.*─ needs taskserv\/kubernetes  1\.28\.0\n/);
    const list = ['extension', 'list', ...at()];
    expect(await json('installed', ...list, '--tree')).toEqual(await json('installed', ...list));
    await push('1.29.0');
    const elsewhere = join(work.path, 'elsewhere');
    const again = [...args.slice(0, -1), elsewhere, '--frozen'];
    expect(await json('install', ...again)).toMatchObject({
      dependencies: [{ version: '1.28.0' }],
    });
  });

  it('installs nothing that the policy of the platform forbids', async () => {
    await push('1.28.0');
    const strict = ocictl(work.path, registry.url, {
      PROVISIONING_EXTENSION_MODE: 'restricted',
      PROVISIONING_ALLOWED_EXTENSIONS: 'docker,provider/*',
    });
    const { exitCode, stderr } = await strict(
      'extension',
      'install',
      ...kubernetes,
      '1.28.0',
      ...at(),
    );
    expect(exitCode).toBe(9);
    expect(stderr).toContain('POLICY_REFUSED');
    await expect(readdir(home())).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says all that is wrong with a directory or an archive, and ends with 1', async () => {
    const bad = {
      'extension.toml':
        '[extension]\nname = "kubernetes"\nversion = "1.28.0"\ntype = "provider"\n[compatibility]\nkcl_version = ">=0.12"\n[configuration]\nrequired_env = ["CLOUD_TOKEN"]\n',
      'kcl.mod':
        '[package]\nname = "kubernetes"\nversion = "1"\n[dependencies]\nlib = { path = "../lib" }\n',
    };
    const options = ['--type', 'taskserv', '--runtime', 'kcl_version=0.11.2'];
    const archive = join(work.path, 'bad.tar');
    await writeFile(archive, tarOfFiles(bad, 'kubernetes-1.28.0'));
    for (const path of [await directory('bad', bad), archive]) {
      const { exitCode, stdout } = await command('extension', 'validate', path, ...options);
      expect(exitCode).toBe(1);
      expect(stdout.split('\n')).toEqual([
        'error: extension.toml: says type provider, expected taskserv',
        'error: extension.toml: needs kcl_version >=0.12, and this is 0.11.2',
        'warning: kcl.mod: lib is at ../lib, outside of the package: it will not be found',
        'warning: extension.toml: needs the variable CLOUD_TOKEN, which is not set',
        `${path} is not valid, by the profile extension-toml`,
        '',
      ]);
    }
    const good = await directory('good', sampleExtensionFiles('taskserv', 'kubernetes', '1.28.0'));
    expect(await json('validate', 'extension', 'validate', good, '--strict')).toMatchObject({
      valid: true,
      name: 'kubernetes',
      findings: [],
    });
  });

  it('ends with 2 for a path where there is neither a directory nor an archive', async () => {
    const path = join(work.path, 'nothing');
    const { exitCode, stderr } = await command('extension', 'validate', path);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${path} can be read neither as a directory nor as an archive`);
    expect(stderr).toMatch(/^hint: .*directory or the archive/m);
  });

  it.each(['rollback', 'uninstall'])(
    'ends with 3 for a %s of what is not installed',
    async (verb) => {
      const { exitCode, stderr } = await command('extension', verb, ...kubernetes, ...at());
      expect(exitCode).toBe(3);
      expect(stderr).toContain('taskserv kubernetes is not installed');
    },
  );

  it.each([
    ['--runtime', 'kcl_version'],
    ['--profiles', 'no-such-file.toml'],
  ])('ends with 2 for %s %s', async (...options) => {
    const { exitCode, stderr } = await command('extension', 'validate', '.', ...options);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: /);
  });
});
