import {
  chmod,
  mkdir,
  readFile,
  readdir,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

import {
  type ProgramResult,
  type TemporaryDirectory,
  type TestRegistry,
  peer,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { ocictlProgram } from './ocictl.js';

let registry: TestRegistry;
let work: TemporaryDirectory;
let reference: string;
beforeEach(async () => {
  registry = await startRegistry();
  work = await temporaryDirectory();
  reference = `${new URL(registry.url).host}/team/site:1`;
  await mkdir(join(work.path, 'site/css'), { recursive: true });
  await mkdir(join(work.path, 'tmp'));
  await writeFile(join(work.path, 'site/index.html'), 'hello\n');
  await writeFile(join(work.path, 'site/css/a.css'), 'a {}\n');
  await writeFile(join(work.path, 'site/run.sh'), '#!/bin/sh\n');
  await chmod(join(work.path, 'site/run.sh'), 0o755);
  await symlink('css/a.css', join(work.path, 'site/current.css'));
});
afterEach(async () => {
  await registry.close();
  await work.remove();
});

function ocictl(...args: readonly string[]): Promise<ProgramResult> {
  const { program, env } = ocictlProgram(join(work.path, 'home'), registry.url);
  return run(process.execPath, [program, ...args], {
    cwd: work.path,
    env: { ...env, TMPDIR: join(work.path, 'tmp') },
  });
}

async function expectSite(directory: string): Promise<void> {
  expect((await readdir(directory, { recursive: true })).sort()).toEqual([
    'css',
    'css/a.css',
    'current.css',
    'index.html',
    'run.sh',
  ]);
  expect(await readFile(join(directory, 'index.html'), 'utf8')).toBe('hello\n');
  expect(await readlink(join(directory, 'current.css'))).toBe('css/a.css');
  expect((await stat(join(directory, 'run.sh'))).mode & 0o111).toBe(0o111);
}

test('a directory that is pushed comes out of a pull as it was, and nothing is left behind', async () => {
  const pushed = await ocictl('push', reference, 'site', '--format', 'json');
  expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(pushed.stdout)).toMatchObject({
    files: [
      {
        path: join(work.path, 'site'),
        media_type: 'application/vnd.oci.image.layer.v1.tar+gzip',
      },
    ],
  });
  expect(await readdir(join(work.path, 'tmp'))).toEqual([]);
  expect(await ocictl('pull', reference, '-o', 'out')).toMatchObject({ exitCode: 0, stderr: '' });
  await expectSite(join(work.path, 'out/site'));
});

test('a version that is pushed again from the same directory is what is published', async () => {
  const version = reference.replace(/:1$/, ':1.0.0');
  const first = await ocictl('-q', 'push', version, 'site:application/vnd.team.site.v1.tar+gzip');
  const second = await ocictl('-q', 'push', version, 'site:application/vnd.team.site.v1.tar+gzip');
  expect(second).toEqual(first);
  expect(second).toMatchObject({ exitCode: 0, stderr: '' });
});

test('a link that leads out of the directory is refused, and nothing is pushed', async () => {
  await symlink('/etc/passwd', join(work.path, 'site/escape'));
  const pushed = await ocictl('push', reference, 'site');
  expect(pushed).toMatchObject({ exitCode: 2, stdout: '' });
  expect(pushed.stderr).toContain('escape is a link that leads out of the directory');
  expect(await readdir(join(work.path, 'tmp'))).toEqual([]);
  expect((await ocictl('resolve', reference)).exitCode).toBe(3);
});

test('the working directory is pushed under its own name', async () => {
  const { program, env } = ocictlProgram(join(work.path, 'home'), registry.url);
  const cwd = join(work.path, 'site');
  const pushed = await run(process.execPath, [program, 'push', reference, '.'], { cwd, env });
  expect(pushed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await ocictl('pull', reference, '-o', 'out')).toMatchObject({ exitCode: 0, stderr: '' });
  await expectSite(join(work.path, 'out/site'));
});

describePeer('oras', 'oras and directories', () => {
  function oras(...args: readonly string[]): Promise<ProgramResult> {
    return run(peer('oras') ?? '', args, { cwd: work.path, env: { HOME: work.path, PATH: '' } });
  }

  test('oras unpacks a directory that is pushed or attached', async () => {
    expect(await ocictl('push', reference, 'site')).toMatchObject({ exitCode: 0 });
    expect(await oras('pull', '--plain-http', reference, '-o', 'out')).toMatchObject({
      exitCode: 0,
    });
    await expectSite(join(work.path, 'out/site'));
    const attached = await ocictl('-q', 'attach', reference, 'site');
    expect(attached).toMatchObject({ exitCode: 0, stderr: '' });
    const referrer = reference.replace(/:1$/, `@${attached.stdout.trim()}`);
    expect(await oras('pull', '--plain-http', referrer, '-o', 'attached')).toMatchObject({
      exitCode: 0,
    });
    await expectSite(join(work.path, 'attached/site'));
  });

  test('a directory that oras pushes has the annotations and names of ours', async () => {
    const layers = async (): Promise<readonly Record<string, unknown>[]> =>
      JSON.parse((await ocictl('manifest', reference, '--raw')).stdout).layers;
    expect(await ocictl('push', reference, 'site')).toMatchObject({ exitCode: 0 });
    const [ours] = await layers();
    expect(await oras('push', '--plain-http', reference, 'site')).toMatchObject({ exitCode: 0 });
    const [theirs] = await layers();
    const shape = {
      mediaType: theirs?.['mediaType'],
      annotations: {
        'io.deis.oras.content.digest': expect.stringMatching(/^sha256:/),
        'io.deis.oras.content.unpack': 'true',
        'org.opencontainers.image.title': 'site',
      },
    };
    expect(theirs).toMatchObject(shape);
    expect(ours).toMatchObject(shape);
  });
});
