import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FreshnessPolicy } from '../freshness.js';
import { OciManager } from '../manager.js';

describe('a namespace that is listed', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-listing-');
    for (const name of ['core', 'web'])
      for (const version of ['1.0.0', '1.1.0', 'latest'])
        registry.putArtifact(`kcl/${name}`, version, kclPackage({ name, version }));
    registry.clearRequests();
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  function managerOf(freshness: Partial<FreshnessPolicy> = {}): OciManager {
    return new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      freshness,
    });
  }

  async function list(freshness?: Partial<FreshnessPolicy>) {
    registry.clearRequests();
    await using manager = managerOf(freshness);
    return manager.listOciArtifacts('kcl');
  }

  const manifestsAsked = (): readonly string[] =>
    registry.requests.map(({ path }) => path).filter((path) => path.includes('/manifests/'));

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
  ])(
    'is an error where the caller may not list it (%d), not an empty list',
    async (status, code) => {
      registry.fault({ path: '/v2/none/tags/list', status });
      await using manager = managerOf();
      await expect(manager.listOciArtifacts('none')).rejects.toMatchObject({ code });
    },
  );

  it('is empty where nothing is in it', async () => {
    await using manager = managerOf();
    expect(await manager.listOciArtifacts('none')).toEqual([]);
  });

  it('is asked for each manifest once, also by the next process', async () => {
    const first = await list();
    expect(first.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'core 1.0.0',
      'core 1.1.0',
      'core latest',
      'web 1.0.0',
      'web 1.1.0',
      'web latest',
    ]);
    expect(manifestsAsked()).toHaveLength(6);
    expect(await list()).toEqual(first);
    expect(manifestsAsked()).toEqual([]);
    // The catalog, and the tags of two repositories.
    expect(registry.requests).toHaveLength(3);
  });

  it('is asked for what is new, and forgets what is gone', async () => {
    await list();
    registry.putArtifact('kcl/core', '1.2.0', kclPackage({ name: 'core', version: '1.2.0' }));
    const listed = await list();
    expect(listed.map(({ version }) => version)).toContain('1.2.0');
    expect(manifestsAsked()).toEqual(['/v2/kcl/core/manifests/1.2.0']);
  });

  it('is asked again for tags that move when they are no longer believed, and for all to refresh', async () => {
    await list();
    const moved = kclPackage({ name: 'core', version: '2.0.0' });
    registry.putArtifact('kcl/core', 'latest', moved);
    const listed = await list({ movingTagTtlMs: 0 });
    expect(manifestsAsked().toSorted()).toEqual([
      '/v2/kcl/core/manifests/latest',
      '/v2/kcl/web/manifests/latest',
    ]);
    expect(
      listed.find(({ name, version }) => name === 'core' && version === 'latest'),
    ).toMatchObject({ digest: moved.manifest.descriptor.digest });
    await list({ refresh: true });
    expect(manifestsAsked()).toHaveLength(6);
  });

  it('is not asked for the manifest of what was pulled', async () => {
    await using manager = managerOf();
    await manager.pullKclPackage('core', '1.0.0');
    await list();
    expect(manifestsAsked()).toHaveLength(5);
  });

  it('takes no note for true that is broken, or of another repository', async () => {
    const first = await list();
    const notes = join(work.path, 'cache/state/listings');
    const [one = '', other = ''] = await readdir(notes);
    await writeFile(join(notes, one), await readFile(join(notes, other)));
    await writeFile(join(notes, other), '{"version":1,');
    expect(await list()).toEqual(first);
    expect(manifestsAsked()).toHaveLength(6);
  });

  it('is offline what is in the cache, without a request', async () => {
    await expect(list({ offline: true })).rejects.toMatchObject({
      code: 'OFFLINE',
      message: 'nothing of kcl is in the cache',
    });
    await using manager = managerOf();
    await manager.pullKclPackage('core', '1.1.0');
    await manager.pullKclPackage('core', '1.0.0');
    await list();
    const listed = await list({ offline: true });
    expect(listed.map(({ name, version }) => `${name} ${version}`)).toEqual([
      'core 1.0.0',
      'core 1.1.0',
    ]);
    expect(registry.requests).toEqual([]);
  });

  it('goes on with a cache that can not be noted in', async () => {
    await using manager = managerOf();
    await (await manager.cache()).stats();
    await writeFile(join(work.path, 'cache/state'), '').catch(() => {});
    const warnings: unknown[] = [];
    const listed = await manager.listOciArtifacts('kcl', {
      onEvent: (event) => warnings.push(event),
    });
    expect(listed).toHaveLength(6);
    expect(warnings).toEqual([
      { type: 'warning', message: expect.stringContaining('the cache is left out') },
    ]);
  });

  it('goes on with a cache that can not be read, with one warning', async () => {
    const first = await list();
    await using puller = managerOf();
    await puller.pullKclPackage('core', '1.0.0');
    const [note = ''] = await readdir(join(work.path, 'cache/state/listings'));
    const tags = join(work.path, 'cache/refs', registry.host.replace(':', '=3a'), 'kcl/web/_tags');
    for (const path of [join(work.path, 'cache/state/listings', note), join(tags, '1.0.0.json')]) {
      await rm(path, { force: true });
      await mkdir(path, { recursive: true });
    }
    const warnings: unknown[] = [];
    await using manager = managerOf();
    const listed = await manager.listOciArtifacts('kcl', {
      onEvent: (event) => warnings.push(event),
    });
    expect(listed).toEqual(first);
    expect(warnings).toEqual([
      { type: 'warning', message: expect.stringContaining('the cache is left out') },
    ]);
  });
});
