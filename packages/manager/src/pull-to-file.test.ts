import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TransferEvent, parseRegistryHost, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { pullToFile } from './pull-to-file.js';
import { OciManager } from './manager.js';
import { manifestName } from './manifest-name.js';
import { TrustGate } from './trust-gate.js';

describe('an artifact that goes to a file outside the cache', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  const artifact = kclPackage({ name: 'core', version: '1.0.0' });

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-pull-to-file-');
    registry.putArtifact('kcl/core', '1.0.0', artifact);
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const managerOf = (cacheDir: string): OciManager =>
    new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir,
      credentials: async () => undefined,
      connection: { retry: { delay: async () => {} } },
    });

  it('is there, and in the cache', async () => {
    await using manager = managerOf(join(work.path, 'cache'));
    const output = join(work.path, 'out', 'core.tar.gz');
    const delivered = await manager.pullKclPackage('core', '1.0.0', { output });
    expect(delivered).toMatchObject({ path: output, fromCache: false });
    expect(digestOf(await readFile(output))).toBe(delivered.digest);
    expect(await readdir(join(work.path, 'out'))).toEqual(['core.tar.gz']);
    const again = await manager.pullKclPackage('core', '1.0.0', { output });
    expect(again).toMatchObject({ path: output, fromCache: true });
  });

  it('is hashed as it is delivered', async () => {
    await using manager = managerOf(join(work.path, 'cache'));
    const pulled = await manager.pullKclPackage('core', '1.0.0');
    const delivered = pullToFile({
      name: manifestName(
        { host: parseRegistryHost(registry.host) },
        parseRepositoryName('kcl/core'),
        '1.0.0',
      ),
      output: join(work.path, 'core.tar.gz'),
      trust: new TrustGate([], { offline: false, refresh: false }),
      pull: async () => {
        await writeFile(pulled.path, 'changed between the pull and the copy');
        return pulled;
      },
    });
    await expect(delivered).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await readdir(work.path)).toEqual(['cache']);
  });

  it('is pulled again when it was pruned before it was copied', async () => {
    await using manager = managerOf(join(work.path, 'cache'));
    let pulls = 0;
    const output = join(work.path, 'core.tar.gz');
    const delivered = await pullToFile({
      name: manifestName(
        { host: parseRegistryHost(registry.host) },
        parseRepositoryName('kcl/core'),
        '1.0.0',
      ),
      output,
      trust: new TrustGate([], { offline: false, refresh: false }),
      pull: async () => {
        const pulled = await manager.pullKclPackage('core', '1.0.0');
        pulls += 1;
        if (pulls === 1) await rm(pulled.path);
        return pulled;
      },
    });
    expect(pulls).toBe(2);
    expect(digestOf(await readFile(output))).toBe(delivered.digest);
  });

  it('does not go where a directory is', async () => {
    await using manager = managerOf(join(work.path, 'cache'));
    const pull = manager.pullKclPackage('core', '1.0.0', { output: work.path });
    await expect(pull).rejects.toMatchObject({ code: 'USAGE' });
    expect(registry.requests).toEqual([]);
  });

  it('is there though the cache can not be written, with a warning that names what is wrong', async () => {
    await writeFile(join(work.path, 'file'), '');
    const cacheDir = join(work.path, 'file', 'cache');
    await using manager = managerOf(cacheDir);
    await expect(manager.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
    });
    const output = join(work.path, 'out', 'core.tar.gz');
    const events: TransferEvent[] = [];
    const operation = manager.pullKclPackage('core', '1.0.0', { output });
    operation.on((event) => events.push(event));
    const { digest } = await operation;
    expect(digestOf(await readFile(output))).toBe(digest);
    expect(events).toContainEqual({
      type: 'warning',
      message: expect.stringContaining(cacheDir),
    });
  });

  it('is not there when its bytes are wrong, with a cache or without', async () => {
    await writeFile(join(work.path, 'file'), '');
    registry.fault({
      path: `/blobs/${artifact.blobs[1]?.descriptor.digest}`,
      bodyTransform: (body) => Uint8Array.from(body, (byte) => byte ^ 1),
    });
    for (const cacheDir of ['cache', 'file/cache']) {
      await using manager = managerOf(join(work.path, cacheDir));
      const output = join(work.path, 'out', 'core.tar.gz');
      await expect(manager.pullKclPackage('core', '1.0.0', { output })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      });
      expect(await readdir(join(work.path, 'out')).catch(() => [])).toEqual([]);
    }
  });
});
