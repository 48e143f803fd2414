import { type SpawnOptions, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type TemporaryDirectory,
  type TestRegistry,
  collect,
  kclPackage,
  run,
  startRegistry,
  temporaryDirectory,
  textOf,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { ocictlProgram } from './ocictl.js';

const packageDirectory = fileURLToPath(new URL('../..', import.meta.url));
/** The user and group `nobody`, who owns nothing. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

describe('ocictl in strange surroundings', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeEach(async () => {
    registry = await startRegistry();
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    work = await temporaryDirectory('ocictl-surroundings-');
    await chmod(work.path, 0o755);
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  /** Runs it with exactly this environment. */
  async function ocictl(args: readonly string[], options: SpawnOptions) {
    const { program } = ocictlProgram(work.path, registry.url);
    const all = [program, '--registry', registry.url, ...args];
    const child = spawn(process.execPath, all, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const exit = new Promise<number | null>((resolve) => void child.once('close', resolve));
    if (!child.stdout || !child.stderr) throw new Error('no pipes');
    const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr)]);
    return { exitCode: await exit, stdout: textOf(stdout), stderr: textOf(stderr) };
  }

  it('works without any variable of the environment', async () => {
    const { exitCode, stderr } = await ocictl(['tags', 'kcl/core'], { env: {} });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it.skipIf(!isRoot)(
    'keeps the cache below the temporary directory for a user without a home',
    async () => {
      const args = ['kcl', 'pull', 'core', '1.0.0', '--format', 'json'];
      const user = { uid: nobody, gid: nobody, cwd: '/', env: {} };
      const { exitCode, stdout, stderr } = await ocictl(args, user);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const { path } = expectJson('pull', stdout);
      expect(String(path)).toContain(join(tmpdir(), `ocictl-${nobody}`));
      await rm(join(tmpdir(), `ocictl-${nobody}`), { recursive: true });
    },
  );

  it.skipIf(!isRoot)('reads where nothing can be written, and says what can not be', async () => {
    const home = join(work.path, 'home');
    await mkdir(home, { mode: 0o555 });
    const user = { uid: nobody, gid: nobody, cwd: '/', env: { HOME: home, TMPDIR: home } };
    expect(await ocictl(['tags', 'kcl/core'], user)).toMatchObject({
      exitCode: 0,
      stdout: '1.0.0\n',
      stderr: '',
    });
    const pulled = await ocictl(['kcl', 'pull', 'core', '1.0.0'], user);
    expect(pulled).toMatchObject({ exitCode: 8, stdout: '' });
    expect(pulled.stderr).toContain('.cache/ocictl can not be written (EACCES)');
    expect(pulled.stderr).toContain('choose another directory with --cache-dir');
  });

  it('runs as npm installs it', async () => {
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', work.path], {
      cwd: packageDirectory,
    });
    expect(packed.exitCode).toBe(0);
    const tarball = join(work.path, packed.stdout.trim());
    const install = ['install', '--silent', '--offline', '--no-audit', '--no-fund', tarball];
    const installed = await run('npm', ['--prefix', join(work.path, 'app'), ...install]);
    expect(installed).toMatchObject({ exitCode: 0 });
    const { version } = JSON.parse(
      await readFile(join(packageDirectory, 'package.json'), 'utf8'),
    ) as { version: string };
    const bin = join(work.path, 'app/node_modules/.bin/ocictl');
    expect(await run(bin, ['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n` });
    const { env } = ocictlProgram(work.path, registry.url);
    const tags = await run(bin, ['tags', 'kcl/core'], { env });
    expect(tags).toMatchObject({ exitCode: 0, stdout: '1.0.0\n' });
  });
});
