import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, readFile, rm } from 'node:fs/promises';
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

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));
/** The user and group `nobody`, who owns nothing. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;

/** Runs the rest of its arguments where all but the second of its first two directories can only be read. */
const readOnly = [
  'unshare',
  '--mount',
  ...(isRoot ? [] : ['--user', '--map-root-user']),
  'sh',
  '-c',
  `mount --bind "$0" "$0" && mount -t tmpfs tmpfs "$1" && mount -o remount,bind,ro "$0" &&
   mount -o remount,bind,ro / && shift && exec "$@"`,
];

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
  async function ocictl(
    args: readonly string[],
    {
      by = [],
      program = ocictlProgram(work.path, registry.url).program,
      ...options
    }: SpawnOptions & { readonly by?: readonly string[]; readonly program?: string },
  ) {
    const all = [...by, process.execPath, program, '--registry', registry.url, ...args];
    const [file = '', ...rest] = all;
    const child = spawn(file, rest, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const exit = new Promise<number | null>((resolve) => void child.once('close', resolve));
    if (!child.stdout || !child.stderr) throw new Error('no pipes');
    const [stdout, stderr] = await Promise.all([collect(child.stdout), collect(child.stderr)]);
    return { exitCode: await exit, stdout: textOf(stdout), stderr: textOf(stderr) };
  }

  /** A copy that every user can read, as the directory in which it is built may not let others in. */
  async function programForAll(): Promise<string> {
    const copy = join(work.path, 'program');
    for (const part of ['bin', 'dist', 'package.json'])
      await cp(join(packageDirectory, part), join(copy, part), { recursive: true });
    return join(copy, 'bin', 'ocictl.js');
  }

  it('works without any variable of the environment', async () => {
    const { exitCode, stderr } = await ocictl(['tags', 'kcl/core'], { env: {} });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it.skipIf(!isRoot)(
    'keeps the cache below the temporary directory for a user without a home',
    async () => {
      const args = ['kcl', 'pull', 'core', '1.0.0', '--format', 'json'];
      const program = await programForAll();
      const user = { program, uid: nobody, gid: nobody, cwd: '/', env: {} };
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
    const program = await programForAll();
    const env = { HOME: home, TMPDIR: home };
    const user = { program, uid: nobody, gid: nobody, cwd: '/', env };
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

  it.skipIf(!isRoot)('lists and pulls past a cache that only another user may read', async () => {
    const home = join(work.path, 'user');
    await mkdir(home);
    await chown(home, nobody, nobody);
    const cache = join(work.path, 'closed');
    const program = await programForAll();
    await ocictl(['kcl', 'pull', 'core', '1.0.0', '--cache-dir', cache], { env: {} });
    await chmod(cache, 0o700);
    const env = { HOME: home, OCI_CACHE_DIR: cache };
    const user = { program, uid: nobody, gid: nobody, cwd: home, env };
    const listed = await ocictl(['list', 'kcl'], user);
    expect(listed).toMatchObject({ exitCode: 0 });
    expect(listed.stdout).toContain('core');
    const delivered = await ocictl(['kcl', 'pull', 'core', '1.0.0', '-o', 'core.tgz'], user);
    expect(delivered).toMatchObject({ exitCode: 0 });
    expect(delivered.stderr).toContain('the cache is left out');
    const pulled = await ocictl(['kcl', 'pull', 'core', '1.0.0'], user);
    expect(pulled).toMatchObject({ exitCode: 8 });
    expect(pulled.stderr).toContain('can not be written (EACCES)');
    expect(pulled.stderr).toContain('choose another directory with --cache-dir');
  });

  describe('where the root file system is read-only', () => {
    const scratch = (): string => join(work.path, 'scratch');
    const pull = ['kcl', 'pull', 'core', '1.0.0'];
    const { PATH } = process.env;

    /** With a home and a directory for what is temporary that nothing can be written to. */
    async function inside(...args: readonly string[]) {
      await mkdir(scratch(), { recursive: true });
      const by = [...readOnly, work.path, scratch()];
      return ocictl(args, { by, env: { PATH, HOME: work.path, TMPDIR: work.path } });
    }

    const probe = [...readOnly, '/mnt', '/tmp', 'true'];
    const isAllowed = spawnSync(probe[0] ?? '', probe.slice(1)).status === 0;
    const title = isAllowed ? '' : ' (skipped: no mount namespace is allowed)';

    it.skipIf(!isAllowed)(`asks a registry without a word about it${title}`, async () => {
      expect(await inside('tags', 'kcl/core')).toEqual({
        exitCode: 0,
        stdout: '1.0.0\n',
        stderr: '',
      });
    });

    it.skipIf(!isAllowed)(`names what can not be written${title}`, async () => {
      const { exitCode, stderr } = await inside(...pull);
      expect(exitCode).toBe(8);
      expect(stderr).toContain('.cache/ocictl can not be written (EROFS)');
      expect(stderr).toContain('choose another directory with --cache-dir');
    });

    it.skipIf(!isAllowed)(`pulls into a volume, and past the cache${title}`, async () => {
      const cached = await inside(...pull, '--cache-dir', join(scratch(), 'cache'));
      expect(cached).toMatchObject({ exitCode: 0, stderr: '' });
      const past = await inside(...pull, '--output', join(scratch(), 'core.tar.gz'));
      expect(past).toMatchObject({ exitCode: 0 });
      expect(past.stderr).toContain('EROFS');
    });
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
    const options = ['--yes', '--offline', '--cache', join(work.path, 'npm'), '--package', tarball];
    const once = [...options, '--', 'ocictl', '--version'];
    expect(await run('npx', once, { env, cwd: work.path })).toMatchObject({
      exitCode: 0,
      stdout: `${version}\n`,
    });
    const tags = await run(bin, ['tags', 'kcl/core'], { env });
    expect(tags).toMatchObject({ exitCode: 0, stdout: '1.0.0\n' });
  });
});
