import {
  mkdir,
  readFile,
  readdir,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { OciManager } from '@oci/manager';
import { Operation } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  compile,
  extensionArtifact,
  killAtOutput,
  run,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { ExtensionPolicy } from '../policy/extension-policy.js';
import { type ExtensionSource, type InstalledExtension, installExtension } from './install.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let manager: OciManager;
let installDir: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  installDir = join(work.path, 'extensions');
  renew();
});
afterEach(async () => {
  await manager.close();
  await registry.close();
  await work.remove();
});

/** A manager that asks the registry again, for tests that move a version. */
function renew(): void {
  manager = new OciManager({
    registryUrl: registry.url,
    namespace: 'extensions',
    cacheDir: join(work.path, 'cache'),
    freshness: { refresh: true },
  });
}

const target = (version: string) => ({ type: 'taskserv', name: 'kubernetes', version }) as const;
const home = (): string => join(installDir, 'taskserv', 'kubernetes');

function publish(version: string, files: Readonly<Record<string, string>> = {}): void {
  const all = { ...sampleExtensionFiles('taskserv', 'kubernetes', version), ...files };
  const artifact = extensionArtifact({ ...target(version), files: all });
  registry.putArtifact('extensions/taskserv/kubernetes', version, artifact);
}

async function install(version: string): Promise<InstalledExtension> {
  return installExtension(manager, target(version), { installDir });
}

async function record(): Promise<unknown> {
  return JSON.parse(await readFile(join(home(), 'installed.json'), 'utf8'));
}

async function versions(): Promise<string[]> {
  const own = new Set(['.content', 'current', 'installed.json']);
  return (await readdir(home())).filter((name) => !own.has(name)).sort();
}

async function expectNoStaging(): Promise<void> {
  expect(await readdir(join(installDir, '.staging'))).toEqual([]);
}

test('installs a version, and says where it is and came from', async () => {
  publish('1.28.0');
  const installed = await install('1.28.0');
  expect(installed).toMatchObject({
    ...target('1.28.0'),
    path: join(home(), '1.28.0'),
    changed: true,
  });
  expect(await readdir(installed.path)).toEqual(
    expect.arrayContaining(['.installed.json', 'extension.toml']),
  );
  expect(await record()).toEqual({ version: 1, current: '1.28.0', previous: null });
  const origin = JSON.parse(
    await readFile(join(installed.path, '.installed.json'), 'utf8'),
  ) as object;
  expect(origin).toMatchObject({
    version: 1,
    digest: installed.digest,
    source: expect.stringContaining('extensions/taskserv/kubernetes'),
  });
  await expectNoStaging();
});

test('installs nothing that takes the place of a pulled file before it is unpacked', async () => {
  publish('1.28.0');
  const { path, ...pulled } = await manager.pullExtensionArtifact(
    'taskserv',
    'kubernetes',
    '1.28.0',
  );
  const other = join(work.path, 'other.tar.gz');
  const files = { ...sampleExtensionFiles('taskserv', 'kubernetes', '1.28.0'), 'evil.sh': '' };
  await writeFile(other, extensionArtifact({ ...target('1.28.0'), files }).blobs[1]?.bytes ?? '');
  const swapped = { ...pulled, path: other };
  const source = { pullExtensionArtifact: () => new Operation(async () => swapped) };
  await expect(installExtension(source, target('1.28.0'), { installDir })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining(other),
  });
  await expectNoStaging();
  const same = { pullExtensionArtifact: () => new Operation(async () => ({ ...pulled, path })) };
  expect(await installExtension(same, target('1.28.0'), { installDir })).toMatchObject({
    changed: true,
  });
});

test('pulls again, once, what was pruned before it is unpacked', async () => {
  publish('1.28.0');
  let pulls = 0;
  const prunedOnce: ExtensionSource = {
    pullExtensionArtifact: (...of) =>
      new Operation(async () => {
        const pulled = await manager.pullExtensionArtifact(...of);
        pulls += 1;
        if (pulls === 1) await rm(pulled.path);
        return pulled;
      }),
  };
  const installed = await installExtension(prunedOnce, target('1.28.0'), { installDir });
  expect(installed).toMatchObject({ changed: true });
  expect(pulls).toBe(2);
  await expectNoStaging();
});

test('does nothing when the version is in use already', async () => {
  publish('1.28.0');
  await install('1.28.0');
  const before = await record();
  expect(await install('1.28.0')).toMatchObject({ changed: false });
  expect(await record()).toEqual(before);
});

test.each(['changed', 'added'])(
  'a file that somebody %s below the install directory does not stay',
  async (what) => {
    publish('1.28.0');
    const { path } = await install('1.28.0');
    const before = await readdir(path);
    const file = join(path, what === 'added' ? 'evil.sh' : 'extension.toml');
    await writeFile(file, '# evil', { flag: 'a' });
    const warnings: string[] = [];
    const again = installExtension(manager, target('1.28.0'), { installDir });
    again.on((event) => event.type === 'warning' && warnings.push(event.message));
    expect(await again).toMatchObject({ changed: true });
    expect(warnings).toEqual([
      `${path} had files that are not those of the package; they are replaced`,
    ]);
    expect(await readdir(path)).toEqual(before);
    expect(await readFile(join(path, 'extension.toml'), 'utf8')).not.toContain('# evil');
    expect(await install('1.28.0')).toMatchObject({ changed: false });
    await expectNoStaging();
  },
);

test('keeps versions beside each other, and remembers which was before', async () => {
  for (const version of ['1.28.0', '1.29.0']) {
    publish(version);
    await install(version);
  }
  expect(await record()).toMatchObject({ current: '1.29.0', previous: '1.28.0' });
  expect(await install('1.28.0')).toMatchObject({ changed: true });
  expect(await record()).toMatchObject({ current: '1.28.0', previous: '1.29.0' });
  expect(await versions()).toEqual(['1.28.0', '1.29.0']);
  expect(await readlink(join(home(), 'current'))).toBe('1.28.0');
});

test('replaces a version whose content changed', async () => {
  publish('1.28.0', { 'old.txt': '' });
  await install('1.28.0');
  publish('1.28.0', { 'new.txt': '' });
  const { path } = await install('1.28.0');
  const names = await readdir(path);
  expect(names).toContain('new.txt');
  expect(names).not.toContain('old.txt');
  expect(await readdir(join(home(), '.content'))).toHaveLength(1);
  await expectNoStaging();
});

test('puts a version into use again, with the files of its package', async () => {
  for (const version of ['1.28.0', '1.29.0']) {
    publish(version);
    await install(version);
  }
  const marked = join(home(), '1.28.0', 'marked');
  await writeFile(marked, '');
  expect(await install('1.28.0')).toMatchObject({ changed: true });
  expect(await readdir(join(home(), '1.28.0'))).not.toContain('marked');
  expect(await record()).toMatchObject({ current: '1.28.0', previous: '1.29.0' });
});

test('mends the link to the version in use', async () => {
  publish('1.28.0');
  await install('1.28.0');
  await rm(join(home(), 'current'));
  expect(await install('1.28.0')).toMatchObject({ changed: true });
  expect(await readlink(join(home(), 'current'))).toBe('1.28.0');
});

test('installs only the content that is expected', async () => {
  publish('1.28.0');
  const { manifestDigest } = await install('1.28.0');
  publish('1.28.0', { 'new.txt': '' });
  const options = { installDir, expectedDigest: manifestDigest };
  await expect(installExtension(manager, target('1.28.0'), options)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    hint: expect.any(String),
  });
});

test('asks the policy before the pull, and for the source behind it', async () => {
  publish('1.28.0');
  const refused = (policy: ExtensionPolicy) =>
    installExtension(manager, target('1.28.0'), { installDir, policy });
  const policy = { mode: 'full', allowed: [], blocked: [] } as const;
  await expect(refused({ ...policy, blocked: ['kube*'] })).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
  expect(registry.requests).toEqual([]);
  await expect(refused({ ...policy, allowed: ['from:elsewhere/*'] })).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
  });
  expect(registry.requests.length).toBeGreaterThan(0);
  await expect(readdir(home())).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await refused({ ...policy, allowed: ['from:*/extensions/*'] })).toMatchObject({
    changed: true,
  });
});

test('installs nothing that is not what its name says, and keeps what is in use', async () => {
  publish('1.28.0');
  await install('1.28.0');
  publish('1.29.0', { 'extension.toml': '[extension]\nname = "docker"\nversion = "9.9.9"\n' });
  await expect(install('1.29.0')).rejects.toMatchObject({
    code: 'EXTENSION_INVALID',
    message: expect.stringMatching(/says name docker.*says version 9\.9\.9/),
  });
  expect(await record()).toMatchObject({ current: '1.28.0' });
  expect(await versions()).toEqual(['1.28.0']);
  await expectNoStaging();
});

test('a file in place of the install directory is no defect', async () => {
  publish('1.28.0');
  await writeFile(installDir, '');
  await expect(install('1.28.0')).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
});

test('leaves a directory alone that nobody installed', async () => {
  publish('1.28.0');
  const mine = join(home(), '1.28.0');
  await mkdir(mine, { recursive: true });
  await writeFile(join(mine, 'notes.txt'), 'mine');
  await expect(install('1.28.0')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(mine),
  });
  expect(await readdir(mine)).toEqual(['notes.txt']);
  await rm(join(mine, 'notes.txt'));
  expect(await install('1.28.0')).toMatchObject({ changed: true });
});

test('installs anew what was lost', async () => {
  publish('1.28.0');
  const { path } = await install('1.28.0');
  await rm(path, { recursive: true });
  expect(await install('1.28.0')).toMatchObject({ changed: true });
  await writeFile(join(home(), 'installed.json'), '{"version":1,');
  expect(await install('1.28.0')).toMatchObject({ changed: true });
  expect(await record()).toMatchObject({ current: '1.28.0' });
});

test.each([
  { name: '../../etc' },
  { name: '..' },
  { name: 'kubernetes/1.28.0' },
  { version: '../1.28.0' },
  { version: 'current' },
  { version: 'installed.json' },
  { type: '../taskserv' as 'taskserv' },
])('%j makes no path', async (wrongly) => {
  const wrong = installExtension(manager, { ...target('1.28.0'), ...wrongly }, { installDir });
  await expect(wrong).rejects.toMatchObject({
    code: expect.stringMatching(/^(USAGE|REFERENCE_INVALID)$/),
  });
  expect(registry.requests).toEqual([]);
});

test.each([
  ['file', { '.installed.json': '{"version":1,"digest":"sha256:forged"}' }],
  ['directory', { '.installed.json/forged': '' }],
])('a %s of the archive does not stand for our own record', async (_, files) => {
  publish('1.28.0', files);
  const { path, digest } = await install('1.28.0');
  expect(await readFile(join(path, '.installed.json'), 'utf8')).toContain(digest);
});

test('several processes that install at once leave one whole version', async () => {
  publish('1.28.0');
  const program = await compile(
    `import { OciManager } from '@oci/manager';
     import { installExtension } from './install.js';
     const [registryUrl, root] = process.argv.slice(2);
     await using manager = new OciManager({ registryUrl, namespace: 'extensions', cacheDir: root + '/cache' });
     const target = { type: 'taskserv', name: 'kubernetes', version: '1.28.0' };
     await installExtension(manager, target, { installDir: root + '/extensions' });`,
    { from: import.meta.url, directory: work.path },
  );
  const ends = await Promise.all(
    [1, 2, 3].map(() => run(process.execPath, [program, registry.url, work.path])),
  );
  expect(ends.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ]);
  expect(await install('1.28.0')).toMatchObject({ changed: false });
  await expectNoStaging();
});

test('a process that is killed while it installs leaves what was in use', async () => {
  publish('1.28.0');
  await install('1.28.0');
  publish('1.29.0');
  const program = await compile(
    `import { OciManager } from '@oci/manager';
     import { installExtension } from './install.js';
     const [registryUrl, root] = process.argv.slice(2);
     const manager = new OciManager({ registryUrl, namespace: 'extensions', cacheDir: root + '/cache' });
     const target = { type: 'taskserv', name: 'kubernetes', version: '1.29.0' };
     const { rename } = (await import('node:fs/promises')).default;
     (await import('node:fs/promises')).default.rename = async (from, to) => {
       if (String(to).endsWith('1.29.0')) { process.stdout.write('x'); await new Promise(() => setInterval(() => {}, 1000)); }
       return rename(from, to);
     };
     (await import('node:module')).syncBuiltinESMExports();
     await installExtension(manager, target, { installDir: root + '/extensions' });`,
    { from: import.meta.url, directory: work.path },
  );
  await killAtOutput(process.execPath, [program, registry.url, work.path]);
  expect(await record()).toMatchObject({ current: '1.28.0' });
  expect(await versions()).toEqual(['1.28.0']);
  const longAgo = new Date(Date.now() - 11 * 60_000);
  for (const left of await readdir(join(installDir, '.staging')))
    await utimes(join(installDir, '.staging', left), longAgo, longAgo);
  await install('1.29.0');
  expect(await record()).toMatchObject({ current: '1.29.0', previous: '1.28.0' });
  await expectNoStaging();
});

test.each([
  '.staging',
  '.locks',
  'taskserv',
  'taskserv/kubernetes',
  'taskserv/kubernetes/.content',
])('nothing is written through a link that somebody put at %s', async (planted) => {
  publish('1.28.0');
  const outside = join(work.path, 'outside');
  await mkdir(outside);
  await mkdir(dirname(join(installDir, planted)), { recursive: true });
  await symlink(outside, join(installDir, planted));
  await expect(install('1.28.0')).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    message: expect.stringContaining(join(installDir, planted)),
    hint: expect.any(String),
  });
  expect(await readdir(outside)).toEqual([]);
});
