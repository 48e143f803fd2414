import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { OciManager } from '@oci/manager';
import {
  type Files,
  type TestRegistry,
  compile,
  extensionArtifact,
  startProgram,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { installExtension } from './install.js';
import { listInstalled } from './installed.js';

/** Set to 200 for the soak; each takes about a fifth of a second. */
const kills = Number(process.env['OCI_KILLS'] ?? 12);
const count = 120;
const versions = ['1.28.0', '1.29.0', '1.30.0'] as const;
const kubernetes = { type: 'taskserv', name: 'kubernetes' } as const;

function filesOf(version: string): Files {
  const files: Record<string, string> = {
    'extension.toml': `[extension]\nname = "kubernetes"\nversion = "${version}"\n`,
  };
  for (let at = 0; at < count; at += 1) files[`d${at % 7}/f${at}.k`] = `${version} `.repeat(200);
  return files;
}

function publish(registry: TestRegistry): void {
  for (const version of versions) {
    const artifact = extensionArtifact({ ...kubernetes, version, files: filesOf(version) });
    registry.putArtifact('extensions/taskserv/kubernetes', version, artifact);
  }
}

/** Installs, rolls back, uninstalls a version, and so on, until it is killed. */
const endless = `
  import { OciManager } from '@oci/manager';
  import { installExtension } from './install.js';
  import { rollbackExtension } from './rollback.js';
  import { uninstallExtension } from './uninstall.js';
  import { listInstalled } from './installed.js';
  const [registryUrl, root, from] = process.argv.slice(2);
  const cacheDir = root + '/cache';
  const installDir = root + '/extensions';
  const extension = { type: 'taskserv', name: 'kubernetes' };
  const manager = new OciManager({ registryUrl, namespace: 'extensions', cacheDir });
  const versions = ${JSON.stringify(versions)};
  for (let at = Number(from); ; at += 1) {
    const version = versions[at % versions.length];
    await installExtension(manager, { ...extension, version }, { installDir });
    if (at === Number(from)) process.stdout.write('x');
    await rollbackExtension(extension, { installDir }).catch(() => {});
    const [entry] = await listInstalled(installDir);
    for (const { version } of entry.versions)
      if (version !== entry.current) await uninstallExtension(extension, { installDir, version });
  }`;

/** Kills it some time after its first install, somewhere in those that follow. */
async function killSomewhere(
  program: string,
  args: readonly string[],
  afterMs: number,
): Promise<void> {
  const child = startProgram(process.execPath, [program, ...args]);
  await child.says('x');
  await sleep(afterMs);
  child.kill();
  expect(await child.end).toMatchObject({ signal: 'SIGKILL', stderr: '' });
}

async function expectWhole(directory: string, version: string): Promise<void> {
  const wanted = filesOf(version);
  const found = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  expect(found.sort()).toEqual([...Object.keys(wanted), '.installed.json'].sort());
  for (const [path, content] of Object.entries(wanted))
    expect(await readFile(join(directory, path), 'utf8')).toBe(content);
}

/** What a program that reads the directory now would find. */
async function expectWholeVersionInUse(installDir: string): Promise<void> {
  const home = join(installDir, 'taskserv', 'kubernetes');
  const record = JSON.parse(await readFile(join(home, 'installed.json'), 'utf8')) as {
    current: string;
  };
  await expectWhole(join(home, record.current), record.current);
  await expectWhole(join(home, 'current'), await readlink(join(home, 'current')));
  const [entry] = await listInstalled(installDir);
  expect(entry?.current).toBe(record.current);
  for (const { version, path } of entry?.versions ?? []) await expectWhole(path, version);
}

test(
  `killed at ${kills} points, it leaves an old or a new version, whole`,
  { timeout: 60_000 + kills * 3_000 },
  async () => {
    await using work = await temporaryDirectory();
    await using registry = await startRegistry();
    publish(registry);
    const program = await compile(endless, { from: import.meta.url, directory: work.path });
    const installDir = join(work.path, 'extensions');
    for (let kill = 0; kill < kills; kill += 1) {
      const args = [registry.url, work.path, String(kill)];
      await killSomewhere(program, args, Math.random() * 120);
      await expectWholeVersionInUse(installDir);
    }
    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'extensions',
      cacheDir: join(work.path, 'cache'),
    });
    await installExtension(manager, { ...kubernetes, version: '1.30.0' }, { installDir });
    const home = join(installDir, 'taskserv', 'kubernetes');
    expect(await readlink(join(home, 'current'))).toBe('1.30.0');
    const contents = await readdir(join(home, '.content'));
    const links = (await readdir(home, { withFileTypes: true })).filter(
      (entry) => entry.isSymbolicLink() && entry.name !== 'current',
    );
    expect(contents).toHaveLength(links.length);
    expect((await stat(join(home, 'current'))).isDirectory()).toBe(true);
  },
);
