import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { currentPlatform } from '@oci/client';
import { type TransferEvent, emptyDescriptor } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  guideArtifact,
  helmChart,
  image,
  imageIndex,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';
import type { OciManagerOptions } from './oci-manager-options.js';

describe('OciManager', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  const managers: OciManager[] = [];

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-manager-');
  });
  afterEach(async () => {
    for (const manager of managers.splice(0)) await manager.close();
    await registry.close();
    await work.remove();
  });

  function managerOf(options: Partial<OciManagerOptions> = {}): OciManager {
    const manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      connection: { retry: { delay: async () => {} } },
      ...options,
    });
    managers.push(manager);
    return manager;
  }

  const core = kclPackage({ name: 'core', version: '1.0.0' });
  const blobGets = (): number =>
    registry.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'))
      .length;

  it("pulls a KCL package to the guide's path", async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const pulled = await managerOf().pullKclPackage('core', '1.0.0');
    const layer = core.blobs[1];
    expect(pulled).toMatchObject({
      path: join(work.path, 'cache/kcl/core/1.0.0/package.tar.gz'),
      digest: layer?.descriptor.digest,
      manifestDigest: core.manifest.descriptor.digest,
      fromCache: false,
    });
    expect(Buffer.from(layer?.bytes ?? [])).toEqual(await readFile(pulled.path));
  });

  it('pulls an extension below its namespace', async () => {
    registry.putArtifact(
      'team/taskserv/kubernetes',
      '1.28.0',
      guideArtifact({ version: '1.28.0', files: { 'extension.toml': '' } }),
    );
    const { path } = await managerOf().pullExtensionArtifact('taskserv', 'kubernetes', '1.28.0');
    expect(path).toBe(
      join(work.path, 'cache/extensions/taskserv/kubernetes/1.28.0/artifact.tar.gz'),
    );
  });

  it('asks nobody for a version that is in the cache', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    await managerOf().pullKclPackage('core', '1.0.0');
    registry.clearRequests();
    expect(await managerOf().pullKclPackage('core', '1.0.0')).toMatchObject({ fromCache: true });
    expect(registry.requests).toEqual([]);
  });

  it('believes a moving tag for its time only, and says when it moved', async () => {
    registry.putArtifact('kcl/core', 'latest', core);
    const manager = managerOf({ freshness: { movingTagTtlMs: 0 } });
    await manager.pullKclPackage('core', 'latest');
    expect(await manager.pullKclPackage('core', 'latest')).toMatchObject({ fromCache: true });
    const next = kclPackage({ name: 'core', version: '1.0.1' });
    registry.putArtifact('kcl/core', 'latest', next);
    const events: TransferEvent[] = [];
    const operation = manager.pullKclPackage('core', 'latest');
    operation.on((event) => events.push(event));
    expect(await operation).toMatchObject({ manifestDigest: next.manifest.descriptor.digest });
    expect(events.filter(({ type }) => type === 'moved')).toEqual([
      {
        type: 'moved',
        reference: `${registry.host}/kcl/core:latest`,
        from: core.manifest.descriptor.digest,
        to: next.manifest.descriptor.digest,
      },
    ]);
    expect(manager.metrics()).toMatchObject({ tagsMoved: 1 });
    expect(await readFile((await operation).path)).toEqual(Buffer.from(next.blobs[1]?.bytes ?? []));
  });

  it('uses a moving tag as it was when the registry gives no answer, for a while, and says so', async () => {
    registry.putArtifact('kcl/core', 'latest', core);
    await managerOf().pullKclPackage('core', 'latest');
    registry.fault({ path: '/', status: 503 });
    const manager = managerOf({ freshness: { movingTagTtlMs: 0 } });
    const operation = manager.pullKclPackage('core', 'latest');
    const events: TransferEvent[] = [];
    operation.on((event) => events.push(event));
    expect(await operation).toMatchObject({ fromCache: true });
    expect(events.filter(({ type }) => type === 'stale')).toMatchObject([
      { reference: `${registry.host}/kcl/core:latest`, reason: expect.stringContaining('503') },
    ]);
    expect(manager.metrics()).toMatchObject({ staleAnswers: 1 });
    for (const freshness of [{ movingTagTtlMs: 0, staleIfErrorMs: -1 }, { refresh: true }]) {
      const strict = managerOf({ freshness }).pullKclPackage('core', 'latest');
      await expect(strict).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    }
  });

  it('does not use a moving tag as it was when the time limit of the caller has passed', async () => {
    registry.putArtifact('kcl/core', 'latest', core);
    await managerOf().pullKclPackage('core', 'latest');
    registry.fault({ path: '/manifests/', delayUntil: new Promise(() => {}) });
    const pull = managerOf({ freshness: { movingTagTtlMs: 0 } }).pullKclPackage('core', 'latest', {
      signal: AbortSignal.timeout(100),
    });
    await expect(pull).rejects.toMatchObject({ code: 'TIMEOUT', retryable: false });
  });

  it('does not use a moving tag as it was when the registry refuses it', async () => {
    registry.putArtifact('kcl/core', 'latest', core);
    await managerOf().pullKclPackage('core', 'latest');
    registry.fault({ path: '/manifests/', status: 404 });
    const pull = managerOf({ freshness: { movingTagTtlMs: 0 } }).pullKclPackage('core', 'latest');
    await expect(pull).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  it('sets a damaged blob aside, fetches it again once, counts it and says so', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const manager = managerOf();
    const { digest, path } = await manager.pullKclPackage('core', '1.0.0');
    const blob = join(work.path, 'cache/blobs', digest.replace(':', '/'));
    await writeFile(blob, 'damaged');
    registry.clearRequests();
    const events: TransferEvent[] = [];
    const operation = manager.pullKclPackage('core', '1.0.0');
    operation.on((event) => events.push(event));
    await operation;
    expect(events.filter(({ type }) => type === 'damaged')).toMatchObject([{ digest }]);
    expect(manager.metrics()).toMatchObject({ blobsDamaged: 1 });
    expect(blobGets()).toBe(1);
    expect(await readFile(blob)).toEqual(await readFile(path));
    await manager.pullKclPackage('core', '1.0.0');
    expect(blobGets()).toBe(1);
  });

  it('asks always when it is told to, and never when it is offline', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    await managerOf().pullKclPackage('core', '1.0.0');
    registry.clearRequests();
    await managerOf({ freshness: { refresh: true } }).pullKclPackage('core', '1.0.0');
    expect(registry.requests.map(({ method }) => method)).toEqual(['HEAD']);
    registry.clearRequests();
    const offline = managerOf({ freshness: { offline: true } });
    await offline.pullKclPackage('core', '1.0.0');
    await expect(offline.pullKclPackage('core', '2.0.0')).rejects.toMatchObject({
      code: 'OFFLINE',
    });
    expect(registry.requests).toEqual([]);
  });

  it('downloads a blob once for pulls at the same time', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const manager = managerOf();
    await Promise.all(Array.from({ length: 5 }, () => manager.pullKclPackage('core', '1.0.0')));
    expect(blobGets()).toBe(1);
  });

  it('asks for the manifest and the layer, and for no config that is known to be empty', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    await managerOf().pullKclPackage('core', '1.0.0');
    expect(registry.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
    expect(blobGets()).toBe(1);
  });

  it('keeps nothing of altered content, and pulls it once it is right again', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const undo = registry.fault({
      path: '/blobs/',
      bodyTransform: (body) =>
        Uint8Array.from(body, (byte, at) => (at === body.length - 1 ? byte ^ 1 : byte)),
    });
    const manager = managerOf();
    await expect(manager.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    expect(manager.metrics()).toMatchObject({ pulls: 0, pullFailures: 1 });
    undo();
    await expect(manager.pullKclPackage('core', '1.0.0')).resolves.toMatchObject({
      fromCache: false,
    });
  });

  it('names the nearest versions when there is no such one', async () => {
    for (const tag of ['1.0.0', '1.0.1', '2.0.0', 'latest'])
      registry.putArtifact('kcl/core', tag, core);
    const pull = managerOf().pullKclPackage('core', '1.0.3');
    await expect(pull).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      hint: expect.stringContaining('1.0.0'),
    });
  });

  it('says what happens on the way', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const types: string[] = [];
    for await (const event of managerOf().pullKclPackage('core', '1.0.0')) types.push(event.type);
    expect(new Set(types)).toEqual(new Set(['resolve', 'start', 'bytes', 'done']));
  });

  it('stops when its signal fires, and leaves nothing half-written', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    registry.fault({ path: '/blobs/', pause: { afterBytes: 1, until: new Promise(() => {}) } });
    const asked = registry.nextRequest({ path: '/blobs/' });
    const stop = new AbortController();
    const pull = managerOf().pullKclPackage('core', '1.0.0', { signal: stop.signal });
    await asked;
    stop.abort();
    await expect(pull).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('refuses names that would leave their place, before any request', async () => {
    const manager = managerOf();
    for (const [name, version] of [
      ['../../etc', '1.0.0'],
      ['a', '../b'],
      ['A', '1'],
      ['', '1'],
      ['a', ''],
    ] as const) {
      await expect(manager.pullKclPackage(name, version)).rejects.toMatchObject({
        code: 'REFERENCE_INVALID',
      });
    }
    await expect(manager.pullExtensionArtifact('gizmo', 'a', '1')).rejects.toMatchObject({
      code: 'USAGE',
    });
    expect(registry.requests).toEqual([]);
  });

  it('replaces what another registry left under the same name', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    await managerOf().pullKclPackage('core', '1.0.0');
    await using other = await startRegistry();
    const theirs = kclPackage({
      name: 'core',
      version: '1.0.0',
      description: 'theirs',
      files: { 'kcl.mod': 'x' },
    });
    other.putArtifact('kcl/core', '1.0.0', theirs);
    const { path, fromCache } = await managerOf({ registryUrl: other.url }).pullKclPackage(
      'core',
      '1.0.0',
    );
    expect(fromCache).toBe(false);
    expect(await readFile(path)).toEqual(Buffer.from(theirs.blobs[1]?.bytes ?? []));
  });

  it('takes the manifest for this machine out of an index', async () => {
    const here = image({ layers: [{ a: 'a' }] });
    const other = image({ layers: [{ b: 'b' }] });
    const index = imageIndex({
      manifests: [
        { artifact: other, platform: { os: 'plan9', architecture: 'mips' } },
        { artifact: here, platform: currentPlatform() },
      ],
    });
    registry.putArtifact('kcl/index', '1.0.0', index);
    await expect(managerOf().pullKclPackage('index', '1.0.0')).resolves.toMatchObject({
      digest: here.blobs[1]?.descriptor.digest,
    });
  });

  it.each([false, true])(
    'names the platforms of an index without this one, past the cache: %s',
    async (isPast) => {
      const platform = { os: 'plan9', architecture: 'mips', variant: 'v1' };
      const index = imageIndex({ manifests: [{ artifact: image(), platform }] });
      registry.putArtifact('kcl/index', '1.0.0', index);
      await writeFile(join(work.path, 'file'), '');
      const manager = managerOf(isPast ? { cacheDir: join(work.path, 'file', 'cache') } : {});
      const output = join(work.path, 'index.tar.gz');
      await expect(manager.pullKclPackage('index', '1.0.0', { output })).rejects.toMatchObject({
        code: 'MANIFEST_UNKNOWN',
        hint: 'It offers plan9/mips/v1.',
      });
    },
  );

  it("chooses a chart's archive by its type, not by its place", async () => {
    registry.putArtifact('kcl/chart', '1.0.0', helmChart({ name: 'chart', version: '1.0.0' }));
    const { mediaType } = await managerOf().pullKclPackage('chart', '1.0.0');
    expect(mediaType).toBe('application/vnd.cncf.helm.chart.content.v1.tar+gzip');
  });

  describe('listing', () => {
    it('shows versions in their order, with + for _, and hides bookkeeping tags', async () => {
      for (const tag of [
        '1.10.0',
        '1.9.0',
        '1.0.0-rc.1',
        '1.0.0_build.5',
        `sha256-${'a'.repeat(64)}`,
      ]) {
        registry.putArtifact('kcl/core', tag, core);
      }
      registry.putArtifact('other/core', '1.0.0', core);
      const artifacts = await managerOf().listOciArtifacts('kcl');
      expect(artifacts.map(({ name, version }) => `${name} ${version}`)).toEqual([
        'core 1.0.0-rc.1',
        'core 1.0.0+build.5',
        'core 1.9.0',
        'core 1.10.0',
      ]);
      expect(artifacts[0]).toMatchObject({
        digest: core.manifest.descriptor.digest,
        size: core.blobs[1]?.descriptor.size,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      });
    });

    it('uses the configured repositories where there is no catalog, and says what to do without', async () => {
      await using bare = await startRegistry({ catalog: false });
      bare.putArtifact('kcl/core', '1.0.0', core);
      const options = { registryUrl: bare.url };
      await expect(managerOf(options).listOciArtifacts('kcl')).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        hint: expect.stringContaining('repositories'),
      });
      const listed = await managerOf({ ...options, repositories: ['kcl/core'] }).listOciArtifacts(
        'kcl',
      );
      expect(listed).toHaveLength(1);
    });
  });

  it('tells whether a version exists, by asking', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const manager = managerOf();
    expect(await manager.artifactExists('kcl/core', '1.0.0')).toBe(true);
    expect(await manager.artifactExists('kcl/core', '9.9.9')).toBe(false);
    expect(await manager.artifactExists('kcl/nowhere', '1.0.0')).toBe(false);
  });

  it('gives a manifest from memory the second time, until the cache is cleared', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const manager = managerOf();
    const first = await manager.getManifest('kcl/core', '1.0.0');
    expect(first).toMatchObject({
      schemaVersion: 2,
      fromCache: false,
      digest: core.manifest.descriptor.digest,
    });
    expect(first.layers).toHaveLength(1);
    await manager.getManifest('kcl/core', '1.0.0');
    expect(manager.metrics().manifestCache).toMatchObject({ hits: 1, entries: 1 });
    manager.clearCache();
    expect(manager.metrics().manifestCache.entries).toBe(0);
  });

  it('keeps 100 manifests in memory, and lets the oldest go', async () => {
    const manager = managerOf();
    for (let at = 0; at <= 100; at += 1) {
      registry.putArtifact('kcl/core', `1.0.${at}`, core);
      await manager.getManifest('kcl/core', `1.0.${at}`);
    }
    expect(manager.metrics().manifestCache.entries).toBe(100);
    const { misses } = manager.metrics().manifestCache;
    await manager.getManifest('kcl/core', '1.0.0');
    expect(manager.metrics().manifestCache.misses).toBe(misses + 1);
  });

  it('counts pulls, hits, time and bytes', async () => {
    registry.putArtifact('kcl/core', '1.0.0', core);
    const manager = managerOf();
    expect(manager.metrics()).toMatchObject({ pulls: 0, cacheHitRate: 0, averageDownloadMs: 0 });
    await manager.pullKclPackage('core', '1.0.0');
    await manager.pullKclPackage('core', '1.0.0');
    const metrics = manager.metrics();
    const bytes = core.blobs
      .filter(({ descriptor }) => descriptor.digest !== emptyDescriptor.digest)
      .reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    expect(metrics).toMatchObject({
      pulls: 2,
      cacheHits: 1,
      cacheMisses: 1,
      cacheHitRate: 0.5,
      downloads: 1,
      bytesDownloaded: bytes,
    });
    expect(metrics.downloadTimeMs).toBeGreaterThan(0);
  });
});
