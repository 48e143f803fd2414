import { type Cache, type ReferenceKey, openCache } from '@oci/cache';
import {
  type Descriptor,
  mediaTypes,
  parseRegistryHost,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, gzip, inChunks, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { expect, it } from 'vitest';

import { OciManager } from '../../src/manager.js';
import { countFileCalls } from './file-calls.js';

/** `OCI_SOAK_BLOBS=100000` measures a cache of so many blobs beside one of 1000. */
const blobs = Number(process.env['OCI_SOAK_BLOBS'] ?? 0);
const small = 1000;
/** Of one artifact: a manifest, a config, an archive, two files. */
const blobsEach = 5;
const versionsEach = 10;
const dayMs = 24 * 60 * 60_000;

const host = '127.0.0.1:9';
const registry = parseRegistryHost(host);

function keyOf(at: number): ReferenceKey {
  return {
    registry,
    repository: parseRepositoryName(`kcl/p${Math.floor(at / versionsEach)}`),
    tag: parseTag(`1.0.${at % versionsEach}`),
  };
}

async function add(cache: Cache, at: number, when: number): Promise<void> {
  const contents = [
    ['application/vnd.oci.image.config.v1+json', bytesOf(`{"at":${at}}`)],
    [mediaTypes.layerTarGzip, gzip(tarOfFiles({ at: String(at) }))],
    ['application/x', bytesOf(`x${at}`)],
    ['application/y', bytesOf(`y${at}`)],
  ] as const;
  const described: Descriptor[] = [];
  for (const [mediaType, bytes] of contents) {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
    described.push(blob);
    await cache.content.pushBlob(blob, inChunks(bytes, 10_000));
  }
  const mediaType = mediaTypes.imageManifest;
  const [config, ...layers] = described;
  const bytes = bytesOf(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  const entry = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await cache.content.pushBlob(entry, inChunks(bytes, 10_000));
  await cache.references.set(keyOf(at), { ...entry, resolvedAt: when, source: registry }, when);
}

/** Artifacts that came, and were used, over the last hundred days, the first of them last. */
async function build(dir: string, count: number): Promise<void> {
  const cache = await openCache(dir, { fsync: false });
  const now = Date.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++)
      await add(cache, at, now - (at / count) * 100 * dayMs - 3_600_000);
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  await cache.index.sync(cache.references, (digest) => cache.content.size(digest));
}

async function median(times: number, work: (at: number) => unknown): Promise<number> {
  const taken: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const began = performance.now();
    await work(at);
    taken.push(performance.now() - began);
  }
  return taken.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const item of items) found += item === undefined ? 0 : 1;
  return found;
}

async function measure(blobs: number): Promise<ReadonlyMap<string, number>> {
  await using directory = await temporaryDirectory('oci-large-');
  const dir = directory.path;
  const references = blobs / blobsEach;
  await build(dir, references);
  const figures = new Map<string, number>();
  const managerOf = (): OciManager =>
    new OciManager({
      registryUrl: `http://${host}`,
      namespace: 'team',
      cacheDir: dir,
      freshness: { offline: true },
    });
  const pull = (manager: OciManager, at: number) => {
    const { repository, tag } = keyOf(at % 100);
    return manager.pullKclPackage(repository.slice('kcl/'.length), tag);
  };
  await using staying = managerOf();
  for (let at = 0; at < 100; at += 1) await pull(staying, at);
  figures.set('open', await median(51, () => openCache(dir)));
  figures.set('hit, new program', await median(101, (at) => pull(managerOf(), at)));
  figures.set('hit, program that stays', await median(101, (at) => pull(staying, at)));
  const cache = await openCache(dir);
  const { references: stored } = cache;
  figures.set('list all references', await median(3, () => count(stored.list())));
  figures.set('list one package', await median(21, (at) => count(stored.list(keyOf(at * 7)))));
  figures.set('size', await median(21, () => cache.usage()));
  figures.set(
    'verify 1000 blobs',
    await median(3, () => cache.verify({ limit: 1000, dryRun: true })),
  );
  const policy = { maxUnusedDays: 90 };
  const options = { now: Date.now() };
  const began = performance.now();
  const { result: report, calls } = await countFileCalls(() => cache.prune(policy, options));
  const took = performance.now() - began;
  const { removed, freed } = report;
  expect(removed.length).toBeGreaterThan(references * 0.09);
  expect(freed.blobs).toBe(removed.length * blobsEach);
  // Two looks at each reference and one more for each batch, a read of it and of its manifest; then of what goes.
  const looks = references * (6 + Math.ceil(freed.blobs / 8000)) + freed.blobs * 5;
  expect(calls.reads).toBeLessThan(looks + 500);
  // Besides the blobs: of each reference its file, and the mark that its pull has not ended.
  expect(calls.removals).toBeLessThan(freed.blobs + removed.length * 4 + 100);
  figures.set('prune 10 %', took);
  figures.set('prune, each removed', took / removed.length);
  figures.set('prune, look at all', await median(1, () => cache.prune(policy, options)));
  figures.set('prune, nothing to do', await median(5, () => cache.prune(policy, options)));
  const again = await countFileCalls(() => cache.prune(policy, options));
  expect(again.result.removed).toEqual([]);
  expect(again.calls.reads).toBeLessThan(40);
  expect(await count(stored.list())).toBe(references - removed.length);
  return figures;
}

it('a pruning reads so many files, and one with nothing to do a handful', async () => {
  expect((await measure(small)).size).toBeGreaterThan(0);
}, 120_000);

it.skipIf(blobs === 0)(
  `a cache of many blobs is opened and hit as a small one${blobs === 0 ? ' (needs OCI_SOAK_BLOBS)' : ''}`,
  async () => {
    const little = await measure(small);
    const much = await measure(blobs);
    expect([...much.keys()]).toEqual([...little.keys()]);
    const lines = [...little].map(([name, ms]) => {
      const other = much.get(name) ?? 0;
      const cells = [ms, other].map((figure) => figure.toFixed(2).padStart(10));
      return `${name.padEnd(26)}${cells.join('')}${(other / ms).toFixed(1).padStart(8)}`;
    });
    process.stdout.write(
      `${'milliseconds'.padEnd(26)}${String(small).padStart(10)}${String(blobs).padStart(10)}   ratio\n${lines.join('\n')}\n`,
    );
  },
  60 * 60_000,
);
