import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OciManager } from '@oci/manager';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl } from './ocictl.js';

describe('ocictl cache', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-');
    command = ocictl(work.path, registry.url);
    for (const version of ['1.0.0', '2.0.0'])
      registry.putArtifact('kcl/core', version, kclPackage({ name: 'core', version }));
    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: command.cacheDir,
      credentials: async () => undefined,
    });
    await manager.pullKclPackage('core', '1.0.0');
    await manager.pullKclPackage('core', '2.0.0');
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const reference = (version: string): string => `${registry.host}/kcl/core:${version}`;
  const json = async (name: string, ...args: readonly string[]): Promise<unknown> => {
    const { stdout } = await command('--format', 'json', 'cache', ...args);
    return expectJson(name, stdout);
  };
  const layerOf = (version: string): string =>
    kclPackage({ name: 'core', version }).blobs[1]?.descriptor.digest ?? '';

  it('lists what is there, page by page, and what is pinned', async () => {
    await command('cache', 'pin', 'kcl/core:2.0.0');
    const all = (await json('cache-list', 'list')) as { references: readonly object[] };
    expect(all).toMatchObject({
      references: [
        { reference: reference('1.0.0'), version: '1.0.0', pinned: false },
        { registry: registry.host, repository: 'kcl/core', version: '2.0.0', pinned: true },
      ],
      total: 2,
      next: null,
    });
    const size = kclPackage({ name: 'core', version: '1.0.0' }).blobs[1]?.descriptor.size;
    expect(all.references[0]).toMatchObject({ size });
    const first = await json('cache-list', 'list', '--limit', '1', 'kcl');
    expect(first).toMatchObject({ references: [{ version: '1.0.0' }], next: reference('1.0.0') });
    const { stdout } = await command('cache', 'list', 'kcl', '--limit', '1');
    expect(stdout).toContain(`more: ocictl cache list kcl --limit 1 --after ${reference('1.0.0')}`);
    const more = stdout.trimEnd().split('\n').at(-1)?.split(' ').slice(2) ?? [];
    expect(await command('-q', ...more)).toMatchObject({ stdout: `${reference('2.0.0')}\n` });
    expect(await json('cache-list', 'list', 'kc')).toMatchObject({ references: [], total: 0 });
    expect(await command('cache', 'list', '--after', 'kcl/core:9.0.0')).toMatchObject({
      exitCode: 3,
    });
    for (const limit of ['0', '10001', 'x'])
      expect(await command('cache', 'list', '--limit', limit)).toMatchObject({ exitCode: 2 });
  });

  it('lists what it can of a manifest that is gone', async () => {
    const digest = kclPackage({ name: 'core', version: '1.0.0' }).manifest.descriptor.digest;
    await rm(join(command.cacheDir, 'blobs/sha256', digest.slice('sha256:'.length)));
    expect(await json('cache-list', 'list')).toMatchObject({
      references: [{ version: '1.0.0', size: null, manifest_digest: digest }, { version: '2.0.0' }],
    });
  });

  it('counts what is there', async () => {
    expect(await json('cache-stats', 'stats')).toMatchObject({
      blobs: 5,
      references: 2,
      packages: 1,
      views: { count: 2 },
      quarantined: { count: 0 },
    });
    expect((await command('cache', 'stats')).stdout).toContain('1, in 2 versions');
  });

  it('tells what would be pruned and why, keeps what is pinned, and prunes the rest', async () => {
    await json('cache-pin', 'pin', reference('1.0.0'));
    const rules = ['prune', '--max-size', '0', '--grace', '0'];
    const expected = {
      removed: [{ reference: reference('2.0.0'), reason: 'size' }],
      kept: [{ reference: reference('1.0.0'), reason: 'pinned' }],
      freed_blobs: 2,
    };
    const dry = await json('cache-prune', ...rules, '--dry-run');
    expect(dry).toMatchObject({ ...expected, dry_run: true });
    expect(await json('cache-stats', 'stats')).toMatchObject({ references: 2 });
    expect(await json('cache-prune', ...rules)).toMatchObject({ ...expected, dry_run: false });
    expect(await readdir(join(command.cacheDir, 'kcl/core'))).toEqual(['1.0.0']);
    // Without a host it is of the configured registry.
    const unpinned = await json('cache-pin', 'unpin', 'kcl/core:1.0.0');
    expect(unpinned).toEqual({ reference: reference('1.0.0'), pinned: false });
    const { stdout } = await command('cache', ...rules);
    expect(stdout).toContain(reference('1.0.0'));
    expect(await readdir(command.cacheDir)).not.toContain('kcl');
  });

  it('prunes by the settings when no rule is given', async () => {
    const tag = join(command.cacheDir, 'refs', registry.host.replace(':', '=3a'));
    const file = join(tag, 'kcl/core/_tags/1.0.0.json');
    const longAgo = Date.now() / 1000 - 40 * 86_400;
    await utimes(file, longAgo, longAgo);
    expect(await json('cache-prune', 'prune')).toMatchObject({ removed: [] });
    await writeFile(join(work.path, 'config.toml'), '[orchestrator.oci.cache]\nmax_versions = 1\n');
    const config = ['--config', join(work.path, 'config.toml')];
    expect(await json('cache-prune', 'prune', ...config)).toMatchObject({
      removed: [{ reference: reference('1.0.0'), reason: 'versions' }],
    });
  });

  it('finds what was damaged, ends with 7, and has it fetched again', async () => {
    expect(await json('cache-verify', 'verify')).toMatchObject({ blobs: 5, damaged: [] });
    const digest = layerOf('1.0.0');
    await writeFile(join(command.cacheDir, 'blobs', digest.replace(':', '/')), 'damaged');
    const told = await command('--format', 'json', 'cache', 'verify', '--dry-run');
    expect(told.exitCode).toBe(7);
    expect(expectJson('cache-verify', told.stdout)).toMatchObject({ damaged: [digest] });
    const found = await command('cache', 'verify');
    expect(found).toMatchObject({ exitCode: 7, stdout: expect.stringContaining(digest) });
    expect(await command('cache', 'verify')).toMatchObject({ exitCode: 0 });
    await command('kcl', 'pull', 'core', '1.0.0');
    expect(await json('cache-verify', 'verify')).toMatchObject({ blobs: 5, damaged: [] });
  });

  it('verifies in portions, one behind the other', async () => {
    const first = await json('cache-verify', 'verify', '--limit', '3');
    expect(first).toMatchObject({ blobs: 3, finished: false, resumed_after: null });
    const second = await json('cache-verify', 'verify', '--limit', '3');
    expect(second).toMatchObject({ blobs: 2, finished: true });
  });

  it('exports to a tar, and pulls from what was imported without a network', async () => {
    const archive = join(work.path, 'packages.tar');
    expect(await json('cache-export', 'export', archive, 'core:1.0.0')).toMatchObject({
      exported: [{ reference: reference('1.0.0') }],
    });
    await command('cache', 'clear');
    expect(await json('cache-import', 'import', archive)).toMatchObject({
      imported: [{ reference: reference('1.0.0') }],
      skipped: [],
    });
    registry.clearRequests();
    expect(await command('--offline', 'kcl', 'pull', 'core', '1.0.0')).toMatchObject({
      exitCode: 0,
    });
    expect(registry.requests).toEqual([]);
  });

  it('says what clear would remove', async () => {
    expect(await json('cache-clear', 'clear', '--dry-run')).toMatchObject({
      dry_run: true,
      removed_blobs: 5,
    });
    expect(await json('cache-stats', 'stats')).toMatchObject({ blobs: 5 });
  });

  it.each([
    [['prune', '--max-size', 'much']],
    [['prune', '--max-age', '-1']],
    [['pin', 'core']],
    [['import']],
  ])('ends with 2 for %j', async (args) => {
    expect(await command('cache', ...args)).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
