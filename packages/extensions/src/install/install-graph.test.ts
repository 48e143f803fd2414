import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OciManager } from '@oci/manager';
import {
  type FileContents,
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  image,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { parseExtensionDependency } from '../depend/extension-graph.js';
import { type InstallGraphOptions, installExtensionGraph } from './install-graph.js';
import { listInstalled } from './installed.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let manager: OciManager;
let installDir: string;
let lockFile: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  installDir = join(work.path, 'extensions');
  lockFile = join(work.path, 'extensions.lock');
  renew();
});
afterEach(async () => {
  await manager.close();
  await registry.close();
  await work.remove();
});

function renew(freshness = {}): void {
  const cacheDir = join(work.path, 'cache');
  manager = new OciManager({ registryUrl: registry.url, namespace: 'e', cacheDir, freshness });
}

type Type = 'taskserv' | 'cluster' | 'provider';

function publish(id: string, version: string, needs: readonly string[] = [], extra = {}): void {
  const [type, name] = id.split('/') as [Type, string];
  const files: Record<string, FileContents> = {
    ...sampleExtensionFiles(type, name, version),
    ...extra,
  };
  const dependencies = `[dependencies]\nextensions = ${JSON.stringify(needs)}\n`;
  files['extension.toml'] = `${String(files['extension.toml'])}${dependencies}`;
  registry.putArtifact(`e/${id}`, version, extensionArtifact({ type, name, version, files }));
}

async function install(
  id: string,
  range?: string,
  options: Partial<InstallGraphOptions> = {},
): Promise<readonly string[]> {
  const [type, name] = id.split('/') as [Type, string];
  const request = { type, name, range };
  const done = await installExtensionGraph(manager, request, { installDir, ...options });
  return [...done.dependencies, done.extension].map(
    (one) => `${one.type}/${one.name} ${one.version}${one.changed ? '' : ' unchanged'}`,
  );
}

test('installs what is needed first, by the newest versions that fit', async () => {
  publish('taskserv/containerd', '1.6.0');
  publish('taskserv/containerd', '1.7.2');
  publish('taskserv/containerd', '2.0.0');
  publish('provider/aws', '2.0.0');
  publish('taskserv/kubernetes', '1.28.0', ['containerd@^1.7', 'provider/aws']);
  publish('cluster/web', '1.0.0', ['taskserv/kubernetes@~1.28.0']);
  const first = await install('cluster/web', '1.0.0');
  expect([...first].sort()).toEqual([
    'cluster/web 1.0.0',
    'provider/aws 2.0.0',
    'taskserv/containerd 1.7.2',
    'taskserv/kubernetes 1.28.0',
  ]);
  expect(first.slice(-2)).toEqual(['taskserv/kubernetes 1.28.0', 'cluster/web 1.0.0']);
  expect(await install('cluster/web', '1.0.0')).toEqual(first.map((line) => `${line} unchanged`));
  expect((await listInstalled(installDir)).map(({ name }) => name).sort()).toEqual([
    'aws',
    'containerd',
    'kubernetes',
    'web',
  ]);
});

test('the download of an extension is heard of while it is resolved', async () => {
  publish('taskserv/kubernetes', '1.28.0');
  const heard: string[] = [];
  const request = { type: 'taskserv', name: 'kubernetes', range: '1.28.0' } as const;
  for await (const event of installExtensionGraph(manager, request, { installDir }))
    heard.push(event.type);
  expect(heard).toContain('bytes');
});

test('images beside an extension and what it needs are passed over', async () => {
  publish('taskserv/containerd', '1.7.0');
  publish('taskserv/containerd', '1.7.1');
  publish('taskserv/kubernetes', '1.28.0', ['containerd@^1.7']);
  publish('taskserv/kubernetes', '1.28.1', ['containerd@^1.7']);
  registry.putArtifact('e/taskserv/containerd', 'v1.7.9', image());
  registry.putArtifact('e/taskserv/kubernetes', 'v1.30.0', image());
  expect(await install('taskserv/kubernetes')).toEqual([
    'taskserv/containerd 1.7.1',
    'taskserv/kubernetes 1.28.1',
  ]);
});

test('asked for a range, it upgrades the extension, and what it needs only when it must', async () => {
  publish('taskserv/containerd', '1.7.0');
  publish('taskserv/kubernetes', '1.28.0', ['containerd@^1.7']);
  await install('taskserv/kubernetes', '^1.28');
  publish('taskserv/containerd', '1.7.5');
  publish('taskserv/kubernetes', '1.29.0', ['containerd@^1.7']);
  expect(await install('taskserv/kubernetes', '^1.28')).toEqual([
    'taskserv/containerd 1.7.0 unchanged',
    'taskserv/kubernetes 1.29.0',
  ]);
  publish('taskserv/kubernetes', '1.30.0', ['containerd@^1.7.3']);
  expect(await install('taskserv/kubernetes')).toEqual([
    'taskserv/containerd 1.7.5',
    'taskserv/kubernetes 1.30.0',
  ]);
});

test('a lock file makes the same again, and `frozen` nothing else', async () => {
  publish('taskserv/containerd', '1.7.0');
  publish('taskserv/kubernetes', '1.28.0', ['containerd@^1.7']);
  await expect(
    install('taskserv/kubernetes', '^1', { lockFile, frozen: true }),
  ).rejects.toMatchObject({ code: 'DEPENDENCY_CONFLICT', hint: expect.any(String) });
  expect(await listInstalled(installDir)).toEqual([]);
  await install('taskserv/kubernetes', '^1', { lockFile });
  const lock = await readFile(lockFile, 'utf8');
  expect(JSON.parse(lock)).toEqual({
    version: 1,
    extensions: {
      'taskserv/containerd': { version: '1.7.0', digest: expect.stringMatching(/^sha256:/) },
      'taskserv/kubernetes': { version: '1.28.0', digest: expect.stringMatching(/^sha256:/) },
    },
  });
  publish('taskserv/containerd', '1.7.5');
  publish('taskserv/kubernetes', '1.29.0', ['containerd@^1.7']);
  const elsewhere = join(work.path, 'elsewhere');
  const again = { lockFile, frozen: true, installDir: elsewhere };
  expect(await install('taskserv/kubernetes', '^1', again)).toEqual([
    'taskserv/containerd 1.7.0',
    'taskserv/kubernetes 1.28.0',
  ]);
  expect(await readFile(lockFile, 'utf8')).toBe(lock);
});

test('`frozen` without a lock file asks for one', async () => {
  publish('taskserv/kubernetes', '1.28.0');
  await expect(install('taskserv/kubernetes', '^1', { frozen: true })).rejects.toMatchObject({
    code: 'USAGE',
    message: 'a frozen install needs a lock file',
  });
});

test('what was published again since it was locked is not installed', async () => {
  publish('taskserv/kubernetes', '1.28.0');
  await install('taskserv/kubernetes', '1.28.0', { lockFile });
  publish('taskserv/kubernetes', '1.28.0', [], { 'new.txt': '' });
  renew({ refresh: true });
  await expect(install('taskserv/kubernetes', '1.28.0', { lockFile })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
});

test('installs nothing when anything that is needed is missing, in conflict, or refused', async () => {
  publish('taskserv/docker', '1.0.0');
  publish('taskserv/a', '1.0.0', ['docker@^1']);
  publish('taskserv/b', '1.0.0', ['a', 'docker@^2']);
  await expect(install('taskserv/b', '1.0.0')).rejects.toMatchObject({
    code: 'DEPENDENCY_CONFLICT',
    message: expect.stringContaining('taskserv/b 1.0.0 needs ^2'),
  });
  publish('taskserv/c', '1.0.0', ['none@^1']);
  await expect(install('taskserv/c', '1.0.0')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  const policy = { mode: 'full', allowed: [], blocked: ['docker'] } as const;
  await expect(install('taskserv/a', '1.0.0', { policy })).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
  expect(await listInstalled(installDir)).toEqual([]);
});

test.each(['{', '{"version":2}', '{"version":1,"extensions":{"a":{"version":"1"}}}'])(
  'the lock file %j is refused',
  async (text) => {
    publish('taskserv/kubernetes', '1.28.0');
    await writeFile(lockFile, text);
    await expect(install('taskserv/kubernetes', '1.28.0', { lockFile })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.any(String),
    });
  },
);

test.each([
  ['containerd', 'taskserv/containerd', undefined],
  ['containerd@^1.7', 'taskserv/containerd', '^1.7'],
  ['provider/aws@>=2 <3', 'provider/aws', '>=2 <3'],
])('the dependency %j is understood', (text, id, range) => {
  expect(parseExtensionDependency(text, 'taskserv')).toEqual({ id, range });
});

test.each(['', '@^1', 'a@', 'a@latest', 'vm/a', 'a/b/c', '../a', 'a@1@2', 'provider/'])(
  'the dependency %j is refused',
  (text) => {
    expect(() => parseExtensionDependency(text, 'taskserv')).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^(EXTENSION_INVALID|USAGE)$/) }),
    );
  },
);
