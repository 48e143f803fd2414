import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { openCache } from '@oci/cache';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';
import type { PulledArtifact } from './pulled-artifact.js';
import { readPulled } from './pulled-file.js';

describe('a pulled file that another process prunes before it is read', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let manager: OciManager;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-pulled-file-');
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
    });
  });
  afterEach(async () => {
    await manager.close();
    await registry.close();
    await work.remove();
  });

  const pull = () => manager.pullKclPackage('core', '1.0.0');

  async function prune(): Promise<void> {
    const other = await openCache(join(work.path, 'cache'));
    await other.prune({ maxBytes: 1, graceMs: 0 });
  }

  it('is pulled again once', async () => {
    let reads = 0;
    const bytes = await readPulled(pull, async ({ path }) => {
      reads += 1;
      if (reads === 1) await prune();
      return readFile(path);
    });
    expect(bytes.byteLength).toBeGreaterThan(0);
    expect(reads).toBe(2);
  });

  it('is a failure of the storage when it is gone again', async () => {
    const reading = readPulled(pull, async ({ path }) => {
      await prune();
      return readFile(path);
    });
    await expect(reading).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('was removed before it was read'),
      hint: expect.stringContaining('try again'),
    });
  });

  it('is not pulled again for another file that is missing, or another failure', async () => {
    let pulls = 0;
    const counted = (): PromiseLike<PulledArtifact> => {
      pulls += 1;
      return pull();
    };
    const reads = [() => rm(join(work.path, 'none')), () => Promise.reject(new Error('other'))];
    for (const read of reads) await expect(readPulled(counted, read)).rejects.toThrow(Error);
    expect(pulls).toBe(2);
  });
});
