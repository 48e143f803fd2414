import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';

describe('a version that was replaced at the registry', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let manager: OciManager;
  const first = kclPackage({ name: 'core', version: '1.0.0' });
  const second = kclPackage({ name: 'core', version: '1.0.0', files: { 'main.k': 'b = 2' } });
  const other = kclPackage({ name: 'core', version: '1.1.0' });

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-forget-');
    manager = managerOf(registry.url);
    registry.putArtifact('kcl/core', '1.0.0', first);
    registry.putArtifact('kcl/core', '1.1.0', other);
  });
  afterEach(async () => {
    await manager.close();
    await registry.close();
    await work.remove();
  });

  const managerOf = (registryUrl: string): OciManager =>
    new OciManager({
      registryUrl,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
    });
  const pulled = async (version = '1.0.0', from = manager) =>
    (await from.pullKclPackage('core', version)).manifestDigest;
  const listed = async () =>
    (await manager.listOciArtifacts('kcl')).map(({ version, digest }) => [version, digest]);
  const digestOf = ({ manifest }: typeof first) => manifest.descriptor.digest;

  it('is what it was until it is forgotten, and then what the registry has', async () => {
    await pulled();
    await pulled('1.1.0');
    await listed();
    registry.putArtifact('kcl/core', '1.0.0', second);
    expect(await pulled()).toBe(digestOf(first));
    await manager.forget('kcl/core', '1.0.0');
    expect(await pulled()).toBe(digestOf(second));
    await manager.forget('kcl/core', '1.0.0');
    expect(await listed()).toEqual([
      ['1.0.0', digestOf(second)],
      ['1.1.0', digestOf(other)],
    ]);
    registry.clearRequests();
    expect(await pulled('1.1.0')).toBe(digestOf(other));
    expect(registry.requests).toEqual([]);
  });

  it('is listed anew also when it was listed and never pulled', async () => {
    await listed();
    registry.putArtifact('kcl/core', '1.0.0', second);
    registry.clearRequests();
    await manager.forget('kcl/core', '1.0.0');
    expect(await listed()).toContainEqual(['1.0.0', digestOf(second)]);
    const manifests = registry.requests.filter(({ path }) => path.includes('/manifests/'));
    expect(manifests.map(({ path }) => path)).toEqual(['/v2/kcl/core/manifests/1.0.0']);
  });

  it('is forgotten of its own registry alone', async () => {
    await using elsewhere = await startRegistry();
    await pulled();
    registry.putArtifact('kcl/core', '1.0.0', second);
    await manager.forget('kcl/core', '1.0.0', { registry: elsewhere.url });
    expect(await pulled()).toBe(digestOf(first));
  });

  it('is forgotten without a cache directory being made', async () => {
    await manager.forget('kcl/core', '1.0.0');
    expect(await readdir(work.path)).toEqual([]);
  });
});
