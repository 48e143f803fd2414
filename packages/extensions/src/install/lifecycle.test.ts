import { mkdir, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OciManager } from '@oci/manager';
import {
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { installExtension } from './install.js';
import { listInstalled } from './installed.js';
import { rollbackExtension } from './rollback.js';
import { uninstallExtension } from './uninstall.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let manager: OciManager;
let installDir: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  installDir = join(work.path, 'extensions');
  const cacheDir = join(work.path, 'cache');
  manager = new OciManager({ registryUrl: registry.url, namespace: 'extensions', cacheDir });
});
afterEach(async () => {
  await manager.close();
  await registry.close();
  await work.remove();
});

const kubernetes = { type: 'taskserv', name: 'kubernetes' } as const;
const home = (): string => join(installDir, 'taskserv', 'kubernetes');

async function install(
  version: string,
  { type, name }: { type: 'taskserv' | 'cluster'; name: string } = kubernetes,
  extra = '',
): Promise<void> {
  const files = { ...sampleExtensionFiles(type, name, version) };
  files['extension.toml'] = `${String(files['extension.toml'])}${extra}`;
  const artifact = extensionArtifact({ type, name, version, files });
  registry.putArtifact(`extensions/${type}/${name}`, version, artifact);
  await installExtension(manager, { type, name, version }, { installDir });
}

async function inUse(): Promise<readonly [string | null, string | null, string]> {
  const [entry] = await listInstalled(installDir);
  const link = await readlink(join(home(), 'current'));
  return [entry?.current ?? null, entry?.previous ?? null, link];
}

test('a rollback goes to the version before, and a second one back', async () => {
  await install('1.28.0');
  await install('1.29.0');
  expect(await rollbackExtension(kubernetes, { installDir })).toEqual({
    ...kubernetes,
    from: '1.29.0',
    version: '1.28.0',
    path: join(home(), '1.28.0'),
  });
  expect(await inUse()).toEqual(['1.28.0', '1.29.0', '1.28.0']);
  await rollbackExtension(kubernetes, { installDir });
  expect(await inUse()).toEqual(['1.29.0', '1.28.0', '1.29.0']);
});

test('a rollback goes to any version that is in place', async () => {
  for (const version of ['1.27.0', '1.28.0', '1.29.0']) await install(version);
  await rollbackExtension(kubernetes, { installDir, to: '1.27.0' });
  expect(await inUse()).toEqual(['1.27.0', '1.29.0', '1.27.0']);
  await rollbackExtension(kubernetes, { installDir, to: '1.27.0' });
  expect(await inUse()).toEqual(['1.27.0', '1.29.0', '1.27.0']);
});

test.each([
  ['what is not installed', 'docker', undefined, 'NAME_UNKNOWN', 'is not installed'],
  ['without a version before', 'kubernetes', undefined, 'USAGE', 'no version from before'],
  [
    'to a version that is not there',
    'kubernetes',
    '9.9.9',
    'MANIFEST_UNKNOWN',
    '9.9.9 is not installed',
  ],
])('a rollback of %s is refused', async (_, name, to, code, message) => {
  await install('1.28.0');
  const extension = { ...kubernetes, name };
  await expect(rollbackExtension(extension, { installDir, to })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(message),
    hint: expect.any(String),
  });
});

test('lists what is installed, with its origin', async () => {
  expect(await listInstalled(installDir)).toEqual([]);
  await install('1.29.0');
  await install('1.9.0');
  await install('1.0.0', { type: 'cluster', name: 'web' });
  await mkdir(join(installDir, 'taskserv', 'not-installed'));
  const entries = await listInstalled(installDir);
  expect(entries).toMatchObject([
    { ...kubernetes, current: '1.9.0', previous: '1.29.0' },
    { type: 'cluster', name: 'web', current: '1.0.0', previous: null },
  ]);
  expect(entries[0]?.versions).toEqual([
    expect.objectContaining({ version: '1.9.0', path: join(home(), '1.9.0') }),
    {
      version: '1.29.0',
      path: join(home(), '1.29.0'),
      digest: expect.stringMatching(/^sha256:/),
      manifestDigest: expect.stringMatching(/^sha256:/),
      source: `${registry.host}/extensions/taskserv/kubernetes:1.29.0`,
      installedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      dependencies: [],
    },
  ]);
});

test('uninstalls everything of an extension, and nothing else', async () => {
  await install('1.28.0');
  await install('1.29.0');
  await install('1.0.0', { type: 'cluster', name: 'web' });
  expect(await uninstallExtension(kubernetes, { installDir })).toEqual({
    ...kubernetes,
    versions: ['1.28.0', '1.29.0'],
  });
  expect((await listInstalled(installDir)).map(({ name }) => name)).toEqual(['web']);
  expect(await readdir(join(installDir, 'taskserv'))).toEqual([]);
  expect(await readdir(join(installDir, '.staging'))).toEqual([]);
  await expect(uninstallExtension(kubernetes, { installDir })).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
    message: expect.stringContaining('not installed'),
  });
  await install('1.28.0');
});

test('uninstalls one version, but not the one in use', async () => {
  await install('1.28.0');
  await install('1.29.0');
  await expect(
    uninstallExtension(kubernetes, { installDir, version: '1.29.0' }),
  ).rejects.toMatchObject({ code: 'USAGE', reason: { kind: 'version-in-use' } });
  await expect(
    uninstallExtension(kubernetes, { installDir, version: '1.0.0' }),
  ).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  await uninstallExtension(kubernetes, { installDir, version: '1.28.0' });
  expect(await inUse()).toEqual(['1.29.0', null, '1.29.0']);
  expect(await readdir(join(home(), '.content'))).toHaveLength(1);
  await uninstallExtension(kubernetes, { installDir, version: '1.29.0' });
  expect(await listInstalled(installDir)).toEqual([]);
});

test('does not remove what somebody put beside the versions', async () => {
  await install('1.28.0');
  await writeFile(join(home(), 'notes.txt'), 'mine');
  await expect(uninstallExtension(kubernetes, { installDir })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('notes.txt'),
  });
  expect(await readFile(join(home(), 'notes.txt'), 'utf8')).toBe('mine');
  expect(await inUse()).toEqual(['1.28.0', null, '1.28.0']);
});

test('does not uninstall what another extension needs, unless forced', async () => {
  await install('1.28.0');
  const needs = '[dependencies]\nextensions = ["taskserv/kubernetes@^1.28"]\n';
  await install('1.0.0', { type: 'cluster', name: 'web' }, needs);
  await expect(uninstallExtension(kubernetes, { installDir })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('needed by cluster web'),
  });
  await uninstallExtension(kubernetes, { installDir, force: true });
  expect((await listInstalled(installDir)).map(({ name }) => name)).toEqual(['web']);
});

test('a version whose content was removed by hand is not listed, nor rolled back to', async () => {
  await install('1.28.0');
  await install('1.29.0');
  const [first = ''] = (await readdir(join(home(), '.content'))).sort();
  await rm(join(home(), '.content', first), { recursive: true });
  expect(await inUse()).toEqual(['1.29.0', null, '1.29.0']);
  await expect(rollbackExtension(kubernetes, { installDir })).rejects.toMatchObject({
    code: 'USAGE',
  });
});
