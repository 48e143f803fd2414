import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  type TemporaryDirectory,
  type TestRegistry,
  collect,
  guideArtifact,
  kclPackage,
  randomBytes,
  run,
  startProgram,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl, ocictlProgram } from './ocictl.js';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('ocictl', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-');
    command = ocictl(work.path, registry.url);
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  it.each([
    [['kcl', 'pull', '../../etc', '1.0.0']],
    [['kcl', 'pull', 'name', '../1.0.0']],
    [['extension', 'pull', 'gizmo', 'name', '1.0.0']],
    [['kcl', 'pull', 'name']],
    [['no-such-command']],
    [['list', '--format', 'xml']],
    [['list', '--offline', '--refresh']],
    [['list', 'UPPER']],
    [['kcl', 'pull', 'core', '']],
    [['cache', 'export', '']],
    [['tags', 'kcl/core', '--limit', '0']],
    [['cache', 'list', '--limit', '10001']],
  ])('ends with 2 for %j', async (args) => {
    const { exitCode, stdout, stderr } = await command(...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: /);
    expect(registry.requests).toEqual([]);
  });

  it('suggests the command that was meant', async () => {
    expect((await command('lst')).stderr).toContain('list');
  });

  it('ends with 6 after the retries when nothing listens, and says so', async () => {
    await registry.close();
    const { exitCode, stderr } = await command('kcl', 'pull', 'name', '1.0.0');
    expect(exitCode).toBe(6);
    expect(stderr.match(/^retrying/gm)).toHaveLength(1);
    expect(stderr).toContain('5 attempts');
    expect(stderr).toContain(registry.host);
    registry = await startRegistry();
  });

  it('prints errors as JSON on stderr when JSON was asked for', async () => {
    const { stderr, stdout } = await command(
      '--format',
      'json',
      'kcl',
      'pull',
      '../../etc',
      '1.0.0',
    );
    expect(stdout).toBe('');
    expect(expectJson('error', stderr)).toEqual({
      error: { code: 'REFERENCE_INVALID', message: expect.any(String), hint: expect.any(String) },
    });
  });

  it('pulls from the cache without a request when offline, and says what is missing', async () => {
    const artifact = kclPackage({ name: 'core', version: '1.0.0' });
    registry.putArtifact('kcl/core', '1.0.0', artifact);
    expect(await command('kcl', 'pull', 'core', '1.0.0')).toMatchObject({ exitCode: 0 });
    const asked = registry.requests.length;
    expect(await command('--offline', 'kcl', 'pull', 'core', '1.0.0')).toMatchObject({
      exitCode: 0,
    });
    expect(await command('--offline', 'kcl', 'pull', 'core', '2.0.0')).toMatchObject({
      exitCode: 3,
    });
    expect(registry.requests.length).toBe(asked);
  });

  it('puts a package where it is told to, and writes it to its output', async () => {
    const artifact = kclPackage({ name: 'core', version: '1.0.0' });
    registry.putArtifact('kcl/core', '1.0.0', artifact);
    const path = join(command.cacheDir, '..', 'core.tar.gz');
    const put = await command('-q', 'kcl', 'pull', 'core', '1.0.0', '-o', path);
    expect(put).toMatchObject({ exitCode: 0, stdout: `${path}\n` });
    const { program, env } = ocictlProgram(work.path, registry.url);
    const pipe = '"$0" "$1" kcl pull core 1.0.0 -o - | tar -tz';
    const listed = await run('sh', ['-c', pipe, process.execPath, program], { env });
    expect(listed.stdout.split('\n')).toContain('kcl.mod');
    expect(await run('tar', ['-tzf', path])).toMatchObject({ stdout: listed.stdout });
  });

  it('asks again after the cache was cleared, and removes nothing that is not its own', async () => {
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    await command('kcl', 'pull', 'core', '1.0.0');
    await writeFile(join(command.cacheDir, 'mine.txt'), 'mine');
    const cleared = await command('cache', 'clear', '--format', 'json');
    expect(expectJson('cache-clear', cleared.stdout)).toMatchObject({
      cache_dir: command.cacheDir,
      removed_blobs: 3,
    });
    expect(await readFile(join(command.cacheDir, 'mine.txt'), 'utf8')).toBe('mine');
    expect(await readdir(command.cacheDir)).not.toContain('kcl');
    const again = await command('kcl', 'pull', 'core', '1.0.0', '--format', 'json');
    expect(expectJson('pull', again.stdout)).toMatchObject({ from_cache: false });
  });

  it('completes names and versions out of the cache, without a request', async () => {
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    await command('kcl', 'pull', 'core', '1.0.0');
    const asked = registry.requests.length;
    const complete = async (...words: string[]) =>
      (await command('__complete', '--', ...words)).stdout;
    expect(await complete('kcl', 'pull', 'c')).toBe('core\n');
    expect(await complete('kcl', 'pull', 'core', '')).toBe('1.0.0\n');
    expect(await complete('resolve', 'kcl')).toBe('kcl/core:1.0.0\n');
    expect(registry.requests.length).toBe(asked);
    expect((await command('completion', 'tcsh')).exitCode).toBe(2);
  });

  it('prints the manifest byte for byte with --raw', async () => {
    const artifact = kclPackage({ name: 'core', version: '1.0.0' });
    registry.putArtifact('kcl/core', '1.0.0', artifact);
    const { stdout } = await command('manifest', 'kcl/core', '1.0.0', '--raw');
    expect(stdout).toBe(Buffer.from(artifact.manifest.bytes).toString('utf8'));
  });

  it('reads the TOML of the guide, and shows where each value comes from', async () => {
    await mkdir(join(work.path, 'etc'), { recursive: true });
    const config = join(work.path, 'etc/config.defaults.toml');
    await writeFile(
      config,
      '[orchestrator.paths]\ndata_dir = "/var/lib/x"\n[orchestrator.oci]\nregistry_url = "http://elsewhere:5000"\nnamespace = "team"\ncache_dir = "{{orchestrator.paths.data_dir}}/oci-cache"\n[orchestrator.oci.server]\nlisten = "0.0.0.0:5000"\n',
    );
    const { stdout } = await command('--config', config, '--format', 'json', 'config', 'show');
    expect(expectJson('config-show', stdout)).toMatchObject({
      config_file: config,
      settings: {
        namespace: { value: 'team', source: `file ${config}` },
        registry_url: { value: registry.url, source: 'environment OCI_REGISTRY_URL' },
      },
    });
    // What is for oci-server alone is its affair.
    expect(stdout).not.toContain('server.');
  });

  it('names the key that was meant when one of the file is unknown', async () => {
    const config = join(work.path, 'bad.toml');
    await writeFile(config, '[orchestrator.oci]\nregistry_ur = "http://x"\n');
    const { exitCode, stderr } = await command('--config', config, 'list');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Did you mean registry_url?');
  });

  it('ends quietly when the reader of its output has seen enough', async () => {
    for (let at = 0; at < 30; at += 1) {
      registry.putArtifact(
        `kcl/package${at}`,
        '1.0.0',
        kclPackage({ name: `package${at}`, version: '1.0.0' }),
      );
    }
    const child = spawn('sh', [
      '-c',
      `"$0" "${main}" --registry ${registry.url} --cache-dir ${command.cacheDir} list kcl | head -1`,
      process.execPath,
    ]);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [exitCode] = (await once(child, 'close')) as [number];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('stops cleanly on an interrupt in the middle of a download', async () => {
    const artifact = kclPackage({ name: 'core', version: '1.0.0' });
    registry.putArtifact('kcl/core', '1.0.0', artifact);
    registry.fault({ path: '/blobs/', pause: { afterBytes: 1, until: new Promise(() => {}) } });
    const asked = registry.nextRequest({ path: '/blobs/' });
    const options = ['--registry', registry.url, '--cache-dir', command.cacheDir];
    const child = startProgram(process.execPath, [
      main,
      ...options,
      'kcl',
      'pull',
      'core',
      '1.0.0',
    ]);
    await Promise.race([asked, child.end]);
    child.kill('SIGINT');
    const { exitCode, stderr } = await child.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('interrupted');
    expect(await readdir(join(command.cacheDir, '.tmp'))).toEqual([]);
  });

  it('goes on with the files of an artifact where it was interrupted', async () => {
    const contents = { 'big.bin': randomBytes(1, 3 * 1024 * 1024) };
    const artifact = guideArtifact({ version: '1.0.0', files: contents });
    registry.putArtifact('team/big', '1.0.0', artifact);
    const layer = artifact.blobs[1];
    const blob = { path: `/blobs/${layer?.descriptor.digest}` };
    registry.fault({
      ...blob,
      times: 1,
      pause: { afterBytes: 2_000_000, until: new Promise(() => {}) },
    });
    const out = join(work.path, 'out');
    const { program, env } = ocictlProgram(work.path, registry.url);
    const args = [program, '--progress', 'json', 'pull', 'team/big:1.0.0', '-o', out];
    const child = startProgram(process.execPath, args, { env });
    await child.says('"bytes"');
    child.kill('SIGINT');
    const { exitCode, stderr } = await child.end;
    expect(exitCode).toBe(130);
    expect(stderr).toContain('Run the same command again');
    expect((await readdir(out)).some((name) => name.includes('.partial'))).toBe(true);

    const again = await command('pull', 'team/big:1.0.0', '-o', out, '--format', 'json');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.stderr).toContain('resuming');
    const { files } = expectJson('pull-files', again.stdout) as { files: { path: string }[] };
    expect(await readdir(out)).toEqual([basename(files[0]?.path ?? '')]);
    expect((await readFile(files[0]?.path ?? '')).equals(layer?.bytes ?? Buffer.alloc(0))).toBe(
      true,
    );
  });

  it('writes the only file of an artifact to its output', async () => {
    const artifact = guideArtifact({ version: '1.0.0', files: { a: 'a' } });
    registry.putArtifact('team/one', '1.0.0', artifact);
    const { program, env } = ocictlProgram(work.path, registry.url);
    const args = [program, 'pull', 'team/one:1.0.0', '-o', '-'];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    expect(Buffer.from(await collect(child.stdout))).toEqual(
      Buffer.from(artifact.blobs[1]?.bytes ?? ''),
    );
  });
});
