import {
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  childrenOf,
  isOciError,
  mediaTypes,
  parseTag,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { blobBytes, bytesOf, emptyConfigBytes, inChunks } from '@oci/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { MemoryRepository } from '../memory/memory-repository.js';
import type { WritableRepository } from './ability.js';
import { copy } from './copy.js';

const tag = parseTag('root');

/** What a node leads to: numbers of nodes before it, whose order makes cycles impossible. */
interface NodeShape {
  readonly kind: 'image' | 'index';
  readonly children: readonly number[];
  readonly layers: readonly number[];
  readonly subject: number | undefined;
}

const nodeShape = fc.record({
  kind: fc.constantFrom<'image' | 'index'>('image', 'index'),
  children: fc.array(fc.nat(30), { maxLength: 4 }),
  layers: fc.array(fc.nat(8), { maxLength: 4 }),
  subject: fc.option(fc.nat(30), { nil: undefined }),
});

/** A repository of the graph, named `root` at its last node. */
async function repositoryOf(
  shapes: readonly NodeShape[],
): Promise<{ readonly repository: MemoryRepository; readonly nodes: readonly ResolvedManifest[] }> {
  const repository = new MemoryRepository();
  const nodes: ResolvedManifest[] = [];
  const config = emptyConfigBytes();
  await repository.pushBlob(config.descriptor, inChunks(config.bytes));
  for (const [at, { kind, children, layers, subject }] of shapes.entries()) {
    const earlier = (number: number): Descriptor | undefined =>
      at === 0 ? undefined : nodes[number % at]?.descriptor;
    const blobs = layers.map((number) => blobBytes('a/b', `layer ${number}`));
    for (const { descriptor, bytes } of blobs)
      await repository.pushBlob(descriptor, inChunks(bytes));
    const about = subject === undefined ? undefined : earlier(subject);
    const document = {
      schemaVersion: 2,
      mediaType: kind === 'index' ? mediaTypes.imageIndex : mediaTypes.imageManifest,
      ...(kind === 'index'
        ? { manifests: children.map(earlier).filter((child) => child !== undefined) }
        : { config: config.descriptor, layers: blobs.map(({ descriptor }) => descriptor) }),
      ...(about && { subject: about }),
      annotations: { number: String(at) },
    };
    const manifest = describeManifest(bytesOf(JSON.stringify(document)));
    nodes.push(manifest);
    await repository.pushManifest(manifest);
  }
  const root = nodes.at(-1);
  if (root) await repository.pushManifest(root, { tag });
  return { repository, nodes };
}

/** Every manifest that is there has all that it leads to. @returns how many there are */
async function expectClosed(
  target: MemoryRepository,
  nodes: readonly ResolvedManifest[],
): Promise<number> {
  let there = 0;
  const missing: Digest[] = [];
  for (const { descriptor } of nodes) {
    const manifest = await unlessUnknown(() => target.fetchManifest(descriptor));
    if (!manifest) continue;
    there += 1;
    for (const child of childrenOf(manifest)) {
      const isThere =
        manifest.kind === 'index'
          ? await unlessUnknown(() => target.fetchManifest(child))
          : await target.hasBlob(child);
      if (!isThere) missing.push(child.digest);
    }
  }
  expect(missing).toEqual([]);
  return there;
}

async function unlessUnknown<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN')) return undefined;
    throw error;
  }
}

/** The digests that a copy has to bring, by a walk of its own. */
function reachable(
  nodes: readonly ResolvedManifest[],
  withReferrers: boolean,
): ReadonlySet<Digest> {
  const found = new Set<Digest>();
  const visit = (node: ResolvedManifest | undefined): void => {
    if (!node || found.has(node.descriptor.digest)) return;
    const { digest } = node.descriptor;
    found.add(digest);
    const byDigest = (wanted: Digest): ResolvedManifest | undefined =>
      nodes.find((known) => known.descriptor.digest === wanted);
    if (node.kind === 'index')
      for (const child of node.document.manifests) visit(byDigest(child.digest));
    if (!withReferrers) return;
    for (const other of nodes) if (other.document.subject?.digest === digest) visit(other);
  };
  visit(nodes.at(-1));
  return found;
}

test('any graph arrives whole, byte for byte, and nothing else with it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(nodeShape, { minLength: 1, maxLength: 12 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 8 }),
      async (shapes, referrers, concurrency) => {
        const { repository, nodes } = await repositoryOf(shapes);
        const target = new MemoryRepository();
        const result = await copy(
          { repository, reference: tag },
          { repository: target },
          { referrers, concurrency },
        );
        const wanted = reachable(nodes, referrers);
        expect(await expectClosed(target, nodes)).toBe(wanted.size);
        expect(result.copied.manifests).toBe(wanted.size);
        for (const { descriptor, bytes } of nodes) {
          if (!wanted.has(descriptor.digest)) continue;
          const copied = await target.fetchManifest(descriptor);
          expect(Buffer.compare(copied.bytes, bytes)).toBe(0);
        }
        const again = await copy(
          { repository, reference: tag },
          { repository: target },
          { referrers, concurrency },
        );
        expect(again.copied).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
      },
    ),
    { numRuns: 60 },
  );
});

/** A target whose nth call fails, or that fails in the middle of it. */
function failingAt(target: MemoryRepository, nth: number): WritableRepository & { calls: number } {
  const failing = {
    calls: 0,
    step: () => {
      failing.calls += 1;
      if (failing.calls === nth) throw new OciError('STORAGE_FULL', 'the disk is full');
    },
    resolve: async (...args: Parameters<MemoryRepository['resolve']>) => {
      failing.step();
      return target.resolve(...args);
    },
    hasBlob: async (...args: Parameters<MemoryRepository['hasBlob']>) => {
      failing.step();
      return target.hasBlob(...args);
    },
    pushBlob: async (...args: Parameters<MemoryRepository['pushBlob']>) => {
      failing.step();
      return target.pushBlob(...args);
    },
    pushManifest: async (...args: Parameters<MemoryRepository['pushManifest']>) => {
      failing.step();
      return target.pushManifest(...args);
    },
  };
  return failing;
}

test('wherever it is interrupted, no manifest is there without what it leads to', async () => {
  const shapes: NodeShape[] = [
    { kind: 'image', children: [], layers: [0, 1], subject: undefined },
    { kind: 'image', children: [], layers: [1, 2], subject: undefined },
    { kind: 'index', children: [0, 1], layers: [], subject: undefined },
    { kind: 'index', children: [2, 0], layers: [], subject: undefined },
    { kind: 'image', children: [], layers: [3], subject: 3 },
    { kind: 'index', children: [1, 3], layers: [], subject: undefined },
  ];
  const { repository, nodes } = await repositoryOf(shapes);
  const source = { repository, reference: tag };
  for (const concurrency of [1, 4]) {
    const options = { concurrency, referrers: true };
    let steps = 0;
    for (;;) {
      steps += 1;
      const target = new MemoryRepository();
      const failing = failingAt(target, steps);
      const failure = await copy(source, { repository: failing }, options).then(
        () => undefined,
        (error: unknown) => error,
      );
      const { calls } = failing;
      if (failure === undefined) break;
      expect(failure).toMatchObject({ code: 'STORAGE_FULL', side: 'destination' });
      const there = await expectClosed(target, nodes);
      expect(await unlessUnknown(() => target.resolve(tag))).toBeUndefined();
      // Nothing goes on behind the failure, and what arrived is not brought again.
      expect(failing.calls).toBe(calls);
      const result = await copy(source, { repository: target }, options);
      expect(result.skipped.manifests).toBe(there);
    }
    expect(steps).toBeGreaterThan(20);
  }
});

test('a manifest that an index lists and nobody has is named, and how to go on (oc-mirror #1526)', async () => {
  const source = new MemoryRepository();
  const digest = `sha256:${'7'.repeat(64)}`;
  const platform = { os: 'linux', architecture: 'arm64' };
  const child = { mediaType: mediaTypes.imageManifest, digest, size: 7, platform };
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: [child] };
  await source.pushManifest(describeManifest(bytesOf(JSON.stringify(index))), { tag });
  await expect(
    copy({ repository: source, reference: tag }, { repository: new MemoryRepository() }),
  ).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
    message: expect.stringContaining(`the index lists ${digest} for linux/arm64`) as string,
    reason: { kind: 'index-incomplete' },
    side: 'source',
  });
});
