import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type DockerRegistry,
  type TemporaryDirectory,
  peer,
  run,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { ocictl } from './ocictl.js';

let registry: DockerRegistry;
let work: TemporaryDirectory;

const mod = '[package]\nname = "demo"\nedition = "v0.11.2"\nversion = "0.1.0"\n';

async function setUp(): Promise<void> {
  registry = await startDockerRegistry();
  work = await temporaryDirectory('ocictl-kpm-');
}

async function tearDown(): Promise<void> {
  await registry.close();
  await work.remove();
}

async function source(name: string, content: string): Promise<string> {
  const directory = join(work.path, name);
  await mkdir(join(directory, 'models'), { recursive: true });
  await writeFile(join(directory, 'kcl.mod'), mod);
  await writeFile(join(directory, 'main.k'), content);
  await writeFile(join(directory, 'models', 'server.k'), 'schema Server:\n    name: str\n');
  return directory;
}

describePeer(['kpm', 'docker-registry'], 'ocictl and kpm', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  const kpm = (args: readonly string[], cwd: string): ReturnType<typeof run> =>
    run(peer('kpm') ?? '', args, {
      cwd,
      env: { HOME: work.path, KCL_PKG_PATH: join(work.path, 'modules'), OCI_REG_PLAIN_HTTP: 'on' },
    });

  it('kpm pulls what ocictl pushed', async () => {
    const command = ocictl(work.path, registry.url);
    expect(await command('kcl', 'push', await source('ours', 'a = 1\n'))).toMatchObject({
      exitCode: 0,
    });
    const out = join(work.path, 'out');
    await mkdir(out);
    const pulled = await kpm(['pull', `oci://${registry.host}/kcl/demo`, '--tag', '0.1.0'], out);
    expect(pulled).toMatchObject({ exitCode: 0 });
    const found = (await readdir(out, { recursive: true })).filter((name) => name.endsWith('.k'));
    expect(found.map((name) => name.split('/').at(-1) ?? '').sort()).toEqual([
      'main.k',
      'server.k',
    ]);
  });

  it('ocictl pulls what kpm pushed', async () => {
    const directory = await source('theirs', 'a = 2\n');
    const pushed = await kpm(['push', `oci://${registry.host}/kcl/demo`], directory);
    expect(pushed).toMatchObject({ exitCode: 0 });
    const command = ocictl(work.path, registry.url);
    const { exitCode, stdout } = await command('-q', 'kcl', 'pull', 'demo', '0.1.0');
    expect(exitCode).toBe(0);
    const listed = await run('tar', ['-xzOf', stdout.trim(), 'main.k']);
    expect(listed.stdout).toBe('a = 2\n');
  });
});

/** kpm fetches by the library of oras, and then wants one file of its ending, and plain entries in it. */
describePeer(['oras', 'docker-registry'], 'what kpm does with a package of ocictl', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it('finds one .tgz, with files and directories and no wrapper', async () => {
    const command = ocictl(work.path, registry.url);
    await command('kcl', 'push', await source('ours', 'a = 1\n'));
    const reference = `${registry.host}/kcl/demo:0.1.0`;
    const out = join(work.path, 'out');
    const args = ['pull', '--plain-http', '-o', out, reference];
    const env = { HOME: work.path, DOCKER_CONFIG: work.path };
    expect(await run(peer('oras') ?? '', args, { env })).toMatchObject({ exitCode: 0 });
    expect(await readdir(out)).toEqual(['demo_0.1.0.tgz']);
    const { stdout } = await run('tar', ['-tvzf', join(out, 'demo_0.1.0.tgz')]);
    const entries = stdout.trim().split('\n');
    expect(entries.map((line) => [line[0], line.split(' ').at(-1)])).toEqual([
      ['-', 'kcl.mod'],
      ['-', 'main.k'],
      ['d', 'models/'],
      ['-', 'models/server.k'],
    ]);
    const manifest = await run(
      peer('oras') ?? '',
      ['manifest', 'fetch', '--plain-http', reference],
      {
        env,
      },
    );
    const pushed = JSON.parse(manifest.stdout) as { annotations: Record<string, string> };
    const expected = await readFile(new URL('kpm-manifest.json', import.meta.url), 'utf8');
    // kpm does not say when it published.
    const { 'org.opencontainers.image.created': created, ...annotations } = pushed.annotations;
    expect(created).toMatch(/Z$/);
    expect(shapeOf({ ...pushed, annotations })).toEqual(shapeOf(JSON.parse(expected)));
  });
});

/** Digests, sizes and texts differ from package to package; keys, media types and the config do not. */
function shapeOf(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => shapeOf(item));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, shapeOf(item, name)]),
    );
  const isFixed = ['mediaType', 'artifactType', 'schemaVersion', 'data'].includes(key);
  return isFixed ? value : typeof value;
}
