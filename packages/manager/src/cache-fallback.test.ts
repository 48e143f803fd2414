import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { TransferEvent } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';

describe('a cache directory that can not be made', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let events: TransferEvent[];
  const onEvent = (event: TransferEvent): void => void events.push(event);

  beforeEach(async () => {
    events = [];
    registry = await startRegistry();
    work = await temporaryDirectory('oci-past-cache-');
    await writeFile(join(work.path, 'file'), '');
    for (const version of ['1.0.0', '1.1.0'])
      registry.putArtifact('kcl/core', version, kclPackage({ name: 'core', version }));
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const managerOf = (cacheDir: string, offline = false): OciManager =>
    new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, cacheDir),
      credentials: async () => undefined,
      connection: { retry: { delay: async () => {} } },
      freshness: { offline },
    });
  const warning = (): TransferEvent => ({
    type: 'warning',
    message: expect.stringContaining(join(work.path, 'file', 'cache')),
  });

  it('does not stop a listing, which warns once', async () => {
    await using manager = managerOf('file/cache');
    const listed = await manager.listOciArtifacts('kcl', { onEvent });
    expect(listed.map(({ version }) => version)).toEqual(['1.0.0', '1.1.0']);
    expect(events).toEqual([warning()]);
  });

  it('does not stop who asks for a manifest, nor for one that is not there', async () => {
    await using manager = managerOf('file/cache');
    const found = await manager.getManifest('kcl/core', '1.0.0', { onEvent });
    expect(found).toMatchObject({ schemaVersion: 2, fromCache: false });
    expect(events).toEqual([warning()]);
    await expect(manager.getManifest('kcl/core', '1.2.0')).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      hint: expect.stringContaining('1.1.0'),
    });
    expect(await manager.artifactExists('kcl/core', '1.0.0')).toBe(true);
  });

  it('is told offline, when nothing else can be asked', async () => {
    await using manager = managerOf('file/cache', true);
    await expect(manager.getManifest('kcl/core', '1.0.0', { onEvent })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
    });
    expect(registry.requests).toEqual([]);
  });

  it('is as an empty one to who only looks, who makes none', async () => {
    for (const cacheDir of ['file/cache', 'cache']) {
      await using manager = managerOf(cacheDir);
      const cache = await manager.cache({ make: false });
      expect(await cache.stats()).toMatchObject({ blobs: 0, bytes: 0, references: 0, packages: 0 });
    }
    expect(await readdir(work.path)).toEqual(['file']);
  });
});
