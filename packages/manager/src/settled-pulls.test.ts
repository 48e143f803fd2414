import { createHash } from 'node:crypto';
import { chmod, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openCache } from '@oci/cache';
import type { TransferEvent } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { OciManager } from './manager.js';
import type { OciManagerOptions } from './oci-manager-options.js';
import { SettledPulls } from './settled-pulls.js';

describe('a pull that was settled', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let manager: OciManager;
  const artifact = kclPackage({ name: 'core', version: '1.0.0' });

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-settled-');
    registry.putArtifact('kcl/core', '1.0.0', artifact);
    manager = managerOf();
    // The first downloads, the second finds all in order, the third needs only a look.
    for (let times = 0; times < 2; times += 1) await pull();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await manager.close();
    await registry.close();
    await work.remove();
  });

  function managerOf(options: Partial<OciManagerOptions> = {}): OciManager {
    return new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      ...options,
    });
  }

  const pull = () => manager.pullKclPackage('core', '1.0.0');

  /** Whether the next pull is answered by a look at the files alone. */
  async function isSettled(): Promise<boolean> {
    const find = vi.spyOn(SettledPulls.prototype, 'find');
    find.mockClear();
    await pull();
    return find.mock.results.some(({ value }) => value !== undefined);
  }

  async function overwrite(path: string, text: string): Promise<void> {
    await chmod(path, 0o600);
    await writeFile(path, text);
  }

  it('gives the same, and tells the same', async () => {
    const events: TransferEvent[][] = [];
    const results = [];
    for (const next of [managerOf(), manager]) {
      const operation = next.pullKclPackage('core', '1.0.0');
      const heard: TransferEvent[] = [];
      operation.on((event) => heard.push(event));
      results.push(await operation);
      events.push(heard);
    }
    expect(results[1]).toEqual(results[0]);
    const sorted = (all: TransferEvent[] = []) => all.map((event) => JSON.stringify(event)).sort();
    expect(sorted(events[1])).toEqual(sorted(events[0]));
    expect(await isSettled()).toBe(true);
    expect(manager.metrics()).toMatchObject({ pulls: 4, cacheHits: 3 });
  });

  it('is made again when the file at the path was changed', async () => {
    const { path, digest } = await pull();
    await overwrite(path, 'damaged');
    const again = await pull();
    expect(again).toMatchObject({ path, digest, fromCache: true });
    expect(hashOf(await readFile(path))).toBe(digest);
  });

  it('is made again when its content was damaged, which is fetched anew', async () => {
    const { digest, path } = await pull();
    await overwrite(blobOf(digest), 'damaged');
    expect(await pull()).toMatchObject({ path, digest, fromCache: false });
    expect(hashOf(await readFile(blobOf(digest)))).toBe(digest);
  });

  it('is made again when another process removed it', async () => {
    const { path } = await pull();
    const other = await openCache(join(work.path, 'cache'));
    await other.prune({ maxBytes: 0, graceMs: 0 });
    expect(await readdir(join(work.path, 'cache'))).not.toContain('kcl');
    expect(await pull()).toMatchObject({ path, fromCache: false });
    await other.clear();
    expect(await pull()).toMatchObject({ path, fromCache: false });
  });

  it('is made again when another registry took its path', async () => {
    const { path } = await pull();
    await using other = await startRegistry();
    other.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '2.0.0' }));
    await using stranger = managerOf({ registryUrl: other.url });
    const theirs = await stranger.pullKclPackage('core', '1.0.0');
    expect(theirs.path).toBe(path);
    const ours = await pull();
    expect(hashOf(await readFile(path))).toBe(ours.digest);
  });

  it('is made again when what is in memory was forgotten, and in each new hour', async () => {
    expect(await isSettled()).toBe(true);
    manager.clearCache();
    expect(await isSettled()).toBe(false);
    expect(await isSettled()).toBe(true);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    expect(await isSettled()).toBe(false);
  });

  it('is no answer to who wants to ask the registry, or has stopped waiting', async () => {
    const aborted = manager.pullKclPackage('core', '1.0.0', { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' });
    registry.clearRequests();
    await using fresh = managerOf({ freshness: { refresh: true } });
    for (let times = 0; times < 3; times += 1) await fresh.pullKclPackage('core', '1.0.0');
    expect(registry.requests.length).toBeGreaterThanOrEqual(3);
  });

  it('is no answer for a tag that moves', async () => {
    registry.putArtifact('kcl/core', 'latest', artifact);
    await using impatient = managerOf({ freshness: { movingTagTtlMs: 0 } });
    for (let times = 0; times < 3; times += 1) await impatient.pullKclPackage('core', 'latest');
    registry.clearRequests();
    await impatient.pullKclPackage('core', 'latest');
    expect(registry.requests.length).toBe(1);
  });

  it('is for one layer of one artifact', async () => {
    const { path } = await pull();
    await expect(
      manager.pullKclPackage('core', '1.0.0', { layer: 'another' }),
    ).rejects.toMatchObject({ code: expect.any(String) });
    await rm(path);
    expect(await pull()).toMatchObject({ path, fromCache: true });
  });

  function blobOf(digest: string): string {
    return join(work.path, 'cache/blobs', digest.replace(':', '/'));
  }
});

function hashOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
