import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { currentPlatform } from '@oci/client';
import { formatReference, mediaTypes } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  type TestRegistry,
  bytesOf,
  image,
  imageIndex,
  inChunks,
  kclPackage,
  peer,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from '../manager.js';
import { exportLayout, importLayout } from './index.js';

describe('a cache that travels', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  const managers: OciManager[] = [];

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-layout-');
    for (const version of ['1.0.0', '2.0.0'])
      registry.putArtifact('kcl/core', version, kclPackage({ name: 'core', version }));
  });
  afterEach(async () => {
    for (const manager of managers.splice(0)) await manager.close();
    await registry.close();
    await work.remove();
  });

  function managerOf(cacheDir: string, offline = false): OciManager {
    const manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, cacheDir),
      credentials: async () => undefined,
      freshness: { offline },
      fsync: false,
    });
    managers.push(manager);
    return manager;
  }

  const referrerType = 'application/vnd.example.signature';

  /** Pulls both versions, and signs the first in the cache. */
  async function filled(): Promise<OciManager> {
    const manager = managerOf('from');
    await manager.pullKclPackage('core', '1.0.0');
    await manager.pullKclPackage('core', '2.0.0');
    const cache = await manager.cache();
    for await (const { key, entry } of cache.references.list()) {
      if (key.tag !== '1.0.0') continue;
      const repository = cache.repository(key);
      const empty = bytesOf('{}');
      const config = { mediaType: mediaTypes.empty, digest: digestOf(empty), size: 2 };
      await repository.pushBlob(config, inChunks(empty, 1));
      const { digest, mediaType, size } = entry;
      const signature = {
        schemaVersion: 2,
        mediaType: mediaTypes.imageManifest,
        artifactType: referrerType,
        config,
        layers: [config],
        subject: { digest, mediaType, size },
      };
      await repository.pushManifest(describeManifest(bytesOf(JSON.stringify(signature))));
    }
    return manager;
  }

  it.each(['layout', 'layout.tar'])(
    'is exported to %s with signatures, imported, and pulled from without a network',
    async (name) => {
      const path = join(work.path, name);
      const out = await exportLayout(await (await filled()).cache(), path);
      expect(out.moved.map(({ reference, referrers }) => [reference, referrers])).toEqual([
        [`${registry.host}/kcl/core:1.0.0`, 1],
        [`${registry.host}/kcl/core:2.0.0`, 0],
      ]);
      registry.clearRequests();
      const there = managerOf('to', true);
      const cache = await there.cache();
      const report = await importLayout(cache, path);
      expect(report.moved).toEqual(out.moved);
      const pulled = await there.pullKclPackage('core', '1.0.0');
      const here = await managerOf('from', true).pullKclPackage('core', '1.0.0');
      expect(pulled).toMatchObject({ fromCache: true, digest: here.digest });
      expect(digestOf(await readFile(pulled.path))).toBe(digestOf(await readFile(here.path)));
      expect(registry.requests).toEqual([]);

      const [first] = report.moved;
      const place = (await collectKeys(there))[0];
      const referrers = [];
      if (first && place)
        for await (const { artifactType } of cache.repository(place).listReferrers(first))
          referrers.push(artifactType);
      expect(referrers).toEqual([referrerType]);
      expect((await importLayout(cache, path)).bytes).toBe(0);
    },
  );

  async function collectKeys(manager: OciManager) {
    const keys = [];
    for await (const { key } of (await manager.cache()).references.list()) keys.push(key);
    return keys.sort((a, b) => (formatReference(a) < formatReference(b) ? -1 : 1));
  }

  it('makes the same archive of the same content', async () => {
    const cache = await (await filled()).cache();
    await exportLayout(cache, join(work.path, 'a.tar'));
    await exportLayout(cache, join(work.path, 'b.tar'));
    const [a, b] = await Promise.all(
      ['a.tar', 'b.tar'].map((name) => readFile(join(work.path, name))),
    );
    expect(a && b && digestOf(a) === digestOf(b)).toBe(true);
  });

  it('exports what is named by the end of its reference, and nothing else', async () => {
    const cache = await (await filled()).cache();
    const references = ['core:2.0.0'];
    const { moved } = await exportLayout(cache, join(work.path, 'one'), { references });
    expect(moved.map(({ reference }) => reference)).toEqual([`${registry.host}/kcl/core:2.0.0`]);
    await expect(
      exportLayout(cache, join(work.path, 'none'), { references: ['core:9.9.9'] }),
    ).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(await readdir(work.path)).not.toContain('none');
  });

  it('writes nothing in a dry run', async () => {
    const cache = await (await filled()).cache();
    const path = join(work.path, 'dry.tar');
    const { moved } = await exportLayout(cache, path, { dryRun: true });
    expect(moved).toHaveLength(2);
    await exportLayout(cache, join(work.path, 'real.tar'));
    const to = await managerOf('to').cache();
    expect(await importLayout(to, join(work.path, 'real.tar'), { dryRun: true })).toMatchObject({
      moved: [{}, {}],
      bytes: 0,
    });
    expect((await to.stats()).blobs).toBe(0);
    expect(await readdir(work.path)).not.toContain('dry.tar');
  });

  it('exports of an index the platforms that were pulled', async () => {
    registry.putArtifact(
      'kcl/multi',
      '1.0.0',
      imageIndex({
        manifests: [
          { artifact: image({ layers: [{ a: 'a' }] }), platform: currentPlatform() },
          {
            artifact: image({ layers: [{ b: 'b' }] }),
            platform: { os: 'plan9', architecture: 'mips' },
          },
        ],
      }),
    );
    const manager = managerOf('from');
    await manager.pullKclPackage('multi', '1.0.0');
    const path = join(work.path, 'multi.tar');
    const { moved, skipped } = await exportLayout(await manager.cache(), path);
    expect({ count: moved.length, skipped }).toEqual({ count: 1, skipped: [] });
    const offline = managerOf('to', true);
    await importLayout(await offline.cache(), path);
    expect(await offline.pullKclPackage('multi', '1.0.0')).toMatchObject({ fromCache: true });
  });

  it('imports nothing that is damaged', async () => {
    const cache = await (await filled()).cache();
    const path = join(work.path, 'layout');
    await exportLayout(cache, path);
    const layer = kclPackage({ name: 'core', version: '1.0.0' }).blobs[1]?.descriptor.digest ?? '';
    await writeFile(join(path, 'blobs', layer.replace(':', '/')), 'damaged');
    const to = await managerOf('to').cache();
    await expect(importLayout(to, path)).rejects.toMatchObject({
      code: expect.stringMatching(/MISMATCH|UNKNOWN/),
    });
    expect(await to.index.list()).toEqual([]);
  });
});

describePeer('skopeo', 'skopeo and a cache', () => {
  it('copies into a layout that is imported, under the repository that is given', async () => {
    await using registry = await startRegistry();
    await using work = await temporaryDirectory('oci-layout-');
    const artifact = image();
    registry.putArtifact('team/app', '1.0.0', artifact);
    const layout = join(work.path, 'layout');
    const copied = await run(peer('skopeo') ?? '', [
      'copy',
      '--src-tls-verify=false',
      `docker://${registry.host}/team/app:1.0.0`,
      `oci:${layout}:1.0.0`,
    ]);
    expect(copied).toMatchObject({ exitCode: 0 });
    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
    });
    const cache = await manager.cache();
    expect((await importLayout(cache, layout)).skipped).toHaveLength(1);
    const repository = `${registry.host}/team/app`;
    const { moved } = await importLayout(cache, layout, { repository });
    expect(moved).toMatchObject([
      { reference: `${repository}:1.0.0`, digest: artifact.manifest.descriptor.digest },
    ]);
    const inspected = await run(peer('skopeo') ?? '', [
      'inspect',
      `oci:${cache.dir}:${repository}:1.0.0`,
    ]);
    expect(inspected).toMatchObject({ exitCode: 0 });
  });
});
