import { readFile, stat, utimes, writeFile } from 'node:fs/promises';

import {
  type FileObjectStore,
  type ObjectStore,
  createFileObjectStore,
  createMemoryObjectStore,
} from '@oci/cache';
import { createS3ObjectStore } from '@oci/cache/s3';
import { type Digest, OciError, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  type Versitygw,
  bytesOf,
  collect,
  randomBytes,
  startVersitygw,
  temporaryDirectory,
  textOf,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { allOf, pushImage, small } from '../../../test/hosted-image.js';
import { ContentIndex, maxStagedMs } from '../content-index.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys } from '../keys.js';
import { quarantineMs } from '../quarantine.js';
import { Records } from '../records.js';
import { SharedStore } from '../shared-store.js';
import type { FindingKind } from './finding.js';
import type { VerificationReport, VerifyOptions } from './verification.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const tag = parseTag('1');
const times = { beatMs: 20, missed: 6 };

/** Another process, that knows only what is in the store. */
function open(store: ObjectStore): HostedRegistry {
  return createHostedRegistry(store, { verification: { times } });
}

async function verify(
  store: ObjectStore,
  options: VerifyOptions = {},
): Promise<VerificationReport> {
  const report = await open(store).verification.run({ settleMs: 0, ...options });
  if (!report) throw new Error('another one verifies');
  return report;
}

/** A store that reads in another way. */
function failing(store: ObjectStore, get: ObjectStore['get']): ObjectStore {
  return Object.assign(new SharedStore(store), { get });
}

function found({ findings }: VerificationReport): readonly string[] {
  return findings.map(({ kind, digest, key }) => `${kind} ${digest ?? key}`).sort();
}

async function recordOf(store: ObjectStore, key: string): Promise<Record<string, unknown>> {
  const object = await store.get(key);
  return JSON.parse(textOf(await collect(object?.body ?? []))) as Record<string, unknown>;
}

/** Key of the data of content. */
async function dataOf(store: ObjectStore, digest: Digest): Promise<string> {
  const { data } = await recordOf(store, keys.content(digest));
  return keys.data(String(data));
}

async function bytesAt(store: ObjectStore, key: string): Promise<Buffer> {
  return Buffer.from(await collect((await store.get(key))?.body ?? []));
}

const damages: readonly (readonly [
  FindingKind,
  (store: ObjectStore, key: string) => Promise<void>,
])[] = [
  [
    'content-digest',
    async (store, key) => {
      const bytes = await bytesAt(store, key);
      bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
      await store.put(key, bodyOf(bytes));
    },
  ],
  [
    'content-size',
    async (store, key) =>
      void (await store.put(key, bodyOf((await bytesAt(store, key)).subarray(0, -1)))),
  ],
  ['content-missing', (store, key) => store.delete(key)],
];

function storageSuite(name: string, createStore: () => Promise<ObjectStore>): void {
  describe(`storage in ${name}`, () => {
    test('that is whole has nothing to tell of, and everything is read', async () => {
      const store = await createStore();
      const images = [
        await pushImage(open(store), a),
        await pushImage(open(store), b, { of: 'b' }),
      ];
      const report = await verify(store);
      expect(found(report)).toEqual([]);
      const sizes = images.flatMap(({ contents }) => contents.map(({ size }) => size));
      expect(report).toMatchObject({
        isWhole: true,
        damaged: 0,
        objects: sizes.length,
        bytes: sizes.reduce((sum, size) => sum + size, 0),
      });
    });

    test.each(damages)(
      'content with %s is told of with who has it, is missing for all, and heals with a push',
      async (kind, damage) => {
        const store = await createStore();
        const { layer } = await pushImage(open(store), a);
        await open(store).blobs.mount(b, layer.digest, a);
        const data = await dataOf(store, layer.digest);
        await damage(store, data);
        const report = await verify(store);
        expect(report.findings).toEqual([
          { kind, key: keys.content(layer.digest), digest: layer.digest, repositories: [a, b] },
        ]);
        expect(await open(store).blobs.size(a, layer.digest)).toBeUndefined();
        expect(await open(store).blobs.mount(b, layer.digest, a)).toBe(false);
        expect((await verify(store)).damaged).toBe(1);
        await open(store).blobs.put(b, { descriptor: layer, body: bodyOf(layer.bytes) });
        expect(await open(store).blobs.size(a, layer.digest)).toBe(layer.size);
        const again = await verify(store);
        expect(again).toMatchObject({ damaged: 0, healed: [{ kind, digest: layer.digest }] });
        expect((await verify(store)).healed).toEqual([]);
        const isKept = kind !== 'content-missing';
        expect((await store.head(data)) !== undefined).toBe(isKept);
      },
    );

    test('damaged records of each kind are told of', async () => {
      const store = await createStore();
      const { manifest, layer, referrer } = await pushImage(open(store), a);
      const subject = manifest.digest;
      const damaged = [
        keys.content(layer.digest),
        keys.link(layer.digest, a),
        keys.referrer(a, subject, referrer.digest),
        keys.repository(a),
        keys.tag(a, tag),
      ];
      for (const key of damaged) await store.put(key, bodyOf(bytesOf('{"dig')));
      const report = await verify(store);
      const told = report.findings.filter(({ kind }) => kind === 'record-damaged');
      expect(told.map(({ key }) => key).sort()).toEqual(damaged.sort());
      expect(told.find(({ tag: named }) => named === tag)?.repositories).toEqual([a]);
    });
  });
}

storageSuite('memory', async () => createMemoryObjectStore());

describe('files', () => {
  let work: TemporaryDirectory;
  beforeEach(async () => {
    work = await temporaryDirectory();
  });
  afterEach(() => work.remove());
  const createStore = async (): Promise<FileObjectStore> =>
    createFileObjectStore(work.path, { fsync: false });

  storageSuite('a directory', createStore);

  test('a bit that flipped on the disk, under the same time and size, is found', async () => {
    const store = await createStore();
    const registry = open(store);
    const { layer, tagged } = await pushImage(registry, a);
    const path = store.pathOf(await dataOf(store, layer.digest));
    const { atime, mtime } = await stat(path);
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(0) ^ 128);
    await writeFile(path, bytes);
    await utimes(path, atime, mtime);
    // The process that has stored and hashed it itself.
    const report = await registry.verification.run({ settleMs: 0 });
    expect(report?.findings).toMatchObject([{ kind: 'content-digest', digest: layer.digest }]);
    expect(await registry.blobs.size(a, layer.digest)).toBeUndefined();
    await registry.blobs.put(a, { descriptor: layer, body: bodyOf(layer.bytes) });
    const blob = await registry.blobs.open(a, layer.digest);
    expect(digestOf(await collect(blob?.body ?? []))).toBe(layer.digest);
    expect(await registry.manifests.resolve(a, { tag: tagged })).toBeDefined();
  });
});

describePeer('versitygw', 'a bucket', () => {
  let gateway: Versitygw;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  storageSuite('S3', async () => {
    const { endpoint, region, credentials } = gateway;
    const connection = { endpoint, region, credentials, pathStyle: true };
    return createS3ObjectStore({ bucket: await gateway.createBucket(), connection });
  });
});

describe('records that contradict each other', () => {
  const removals: readonly (readonly [
    what: string,
    key: (image: Awaited<ReturnType<typeof pushImage>>) => string,
    kinds: readonly FindingKind[],
  ])[] = [
    [
      'record of a manifest',
      ({ manifest }) => keys.manifest(a, manifest.digest),
      ['manifest-incomplete'],
    ],
    ['record of an index', ({ index }) => keys.manifest(a, index.digest), ['tag-dangling']],
    ['link of a layer', ({ layer }) => keys.link(layer.digest, a), ['manifest-incomplete']],
    [
      'record of the content of a layer',
      ({ layer }) => keys.content(layer.digest),
      ['link-dangling', 'manifest-incomplete'],
    ],
    [
      'record of the content of a manifest',
      ({ referrer }) => keys.content(referrer.digest),
      ['link-dangling', 'manifest-without-content'],
    ],
    [
      'record of a referrer',
      ({ manifest, referrer }) => keys.referrer(a, manifest.digest, referrer.digest),
      ['referrer-unlisted'],
    ],
    [
      'record of the manifest of a referrer',
      ({ referrer }) => keys.manifest(a, referrer.digest),
      ['referrer-dangling'],
    ],
    [
      'entry of the catalog',
      () => keys.repository(a),
      ['manifest-unlisted', 'manifest-unlisted', 'manifest-unlisted'],
    ],
  ];

  test.each(removals)('without the %s are told of', async (_, keyOf, kinds) => {
    const store = createMemoryObjectStore();
    const image = await pushImage(open(store), a);
    await store.delete(keyOf(image));
    const report = await verify(store);
    expect(report.findings.map(({ kind }) => kind).sort()).toEqual(kinds);
    expect(report.findings.every(({ repositories }) => repositories[0] === a)).toBe(true);
    // A second push of all of it repairs it.
    await pushImage(open(store), a);
    expect(found(await verify(store))).toEqual([]);
  });

  test('name the missing content, unless manifests may be sparse', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    await store.delete(keys.link(layer.digest, a));
    expect((await verify(store)).findings).toMatchObject([{ missing: [layer.digest] }]);
    expect((await verify(store, { isSparseAllowed: true })).damaged).toBe(0);
  });

  test('a tag of another size than its manifest is damaged', async () => {
    const store = createMemoryObjectStore();
    const { index } = await pushImage(open(store), a);
    const record = await recordOf(store, keys.tag(a, tag));
    await store.put(keys.tag(a, tag), bodyOf(bytesOf(JSON.stringify({ ...record, size: 7 }))));
    expect((await verify(store)).findings).toMatchObject([
      { kind: 'record-damaged', tag, digest: index.digest, repositories: [a] },
    ]);
  });
});

describe('quarantine', () => {
  const damage = damages[0]?.[1] ?? (async () => {});

  test('keeps damaged data for an operator, past a push, a collection, and seven days', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    await damage(store, data);
    const damaged = await bytesAt(store, data);
    await verify(store);
    const { quarantine } = open(store);
    const [entry] = await allOf(quarantine.entries());
    expect(entry).toMatchObject({ digest: layer.digest, size: layer.size, problem: 'digest' });
    await open(store).blobs.put(a, { descriptor: layer, body: bodyOf(layer.bytes) });
    await open(store).collection.collect({ now: Date.now() + 2 * maxStagedMs + 1000 });
    expect(await bytesAt(store, data)).toEqual(damaged);
    const now = Date.now();
    expect(await quarantine.expire({ now: now + quarantineMs - 60_000 })).toBe(0);
    expect(await quarantine.expire({ now: now + quarantineMs + 60_000 })).toBe(1);
    expect(await store.head(data)).toBeUndefined();
    expect(await allOf(quarantine.entries())).toEqual([]);
    expect(found(await verify(store))).toEqual([]);
  });

  test('keeps the only copy of content, however old', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    await damage(store, data);
    await verify(store);
    expect(await open(store).quarantine.expire({ now: Date.now() + 2 * quarantineMs })).toBe(0);
    expect(await store.head(data)).toBeDefined();
  });

  test('ends for data that was put right by hand', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    await damage(store, data);
    await verify(store);
    await store.put(data, bodyOf(layer.bytes));
    expect(await verify(store)).toMatchObject({ damaged: 0, healed: [{ digest: layer.digest }] });
    expect(await allOf(open(store).quarantine.entries())).toEqual([]);
    expect(await recordOf(store, keys.content(layer.digest))).not.toHaveProperty('corrupt');
    expect(await open(store).blobs.size(a, layer.digest)).toBe(layer.size);
  });

  test('counts as missing for who wants to keep content that another has', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const index = new ContentIndex(new Records(store));
    expect(await index.keep(layer.digest)).toBe(true);
    await damage(store, await dataOf(store, layer.digest));
    await verify(store);
    expect(await index.keep(layer.digest)).toBe(false);
  });

  test('goes with content that is deleted', async () => {
    const store = createMemoryObjectStore();
    await open(store).blobs.put(a, { descriptor: small, body: bodyOf(small.bytes) });
    const data = await dataOf(store, small.digest);
    await damage(store, data);
    await verify(store);
    await open(store).blobs.unlink(a, small.digest);
    expect(await store.head(data)).toBeUndefined();
    expect(await open(store).quarantine.expire({ now: Date.now() + 2 * quarantineMs })).toBe(1);
  });

  test('of what one process found while it served is known to the others', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    await damage(store, await dataOf(store, layer.digest));
    const serving = open(store);
    const blob = await serving.blobs.open(a, layer.digest);
    await collect(blob?.body ?? []).catch(() => {});
    await serving.settled();
    expect(await open(store).blobs.size(a, layer.digest)).toBeUndefined();
    await open(store).blobs.put(b, { descriptor: layer, body: bodyOf(layer.bytes) });
    expect(await serving.blobs.size(a, layer.digest)).toBe(layer.size);
    await serving.close();
  });
});

describe('reads that fail', () => {
  test('once take no content from anybody', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    let isFirst = true;
    const flaky = failing(store, async (key, options) => {
      const object = await store.get(key, options);
      if (key !== data || !isFirst || !object) return object;
      isFirst = false;
      return { ...object, body: bodyOf(randomBytes(1, layer.size)) };
    });
    expect((await verify(flaky)).findings).toMatchObject([
      { kind: 'content-unsteady', digest: layer.digest },
    ]);
    expect(await open(store).blobs.size(a, layer.digest)).toBe(layer.size);
    expect(found(await verify(store))).toEqual([]);
  });

  test('for ever are damage, where the rest can be read', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    const broken = failing(store, async (key, options) => {
      if (key === data) throw new OciError('STORAGE_FAILED', 'EIO');
      return store.get(key, options);
    });
    expect(found(await verify(broken))).toEqual([`content-unreadable ${layer.digest}`]);
    expect(await open(store).blobs.size(a, layer.digest)).toBeUndefined();
  });

  test.each(['EMFILE', 'ENFILE', 'ENOMEM'])(
    'of a process that has too much open are told (%s), and take nothing from anybody',
    async (code) => {
      const store = createMemoryObjectStore();
      const { layer } = await pushImage(open(store), a);
      const data = await dataOf(store, layer.digest);
      const exhausted = failing(store, async (key, options) => {
        if (key !== data) return store.get(key, options);
        const cause = Object.assign(new Error(code), { code, syscall: 'open' });
        throw new OciError('STORAGE_FAILED', 'too many files are open', { cause });
      });
      expect(found(await verify(exhausted))).toEqual([`content-unreadable ${layer.digest}`]);
      expect(await open(store).blobs.size(a, layer.digest)).toBe(layer.size);
    },
  );

  test('because the storage does not answer end the run, and take nothing from anybody', async () => {
    const store = createMemoryObjectStore();
    const { layer } = await pushImage(open(store), a);
    const data = await dataOf(store, layer.digest);
    const fails = new OciError('STORAGE_FAILED', 'every read fails');
    const down = Object.assign(new SharedStore(store), {
      head: async (key: string) => {
        if (key === keys.format) throw fails;
        return store.head(key);
      },
      get: async (...asked: Parameters<ObjectStore['get']>) => {
        if (asked[0] === data) throw fails;
        return store.get(...asked);
      },
    });
    await expect(verify(down)).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(await open(store).blobs.size(a, layer.digest)).toBe(layer.size);
  });
});

describe('a run', () => {
  test('that is interrupted is gone on with where it stopped', async () => {
    const store = createMemoryObjectStore();
    for (const of of ['1', '2', '3', '4', '5']) await pushImage(open(store), a, { of });
    const total = (await verify(store)).objects;
    const ending = new AbortController();
    let read = 0;
    const interrupted = verify(store, {
      restart: true,
      signal: ending.signal,
      onContent: () => ++read === 10 && ending.abort(),
    });
    await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
    const { pass, last, runningSince } = await open(store).verification.status();
    expect(pass?.position).toMatch(/^v2\/content\//);
    expect(last?.objects).toBe(total);
    expect(runningSince).toBeUndefined();
    let again = 0;
    const report = await verify(store, { onContent: () => (again += 1) });
    expect(report).toMatchObject({ isWhole: true, resumedAfter: pass?.position });
    // What was read at the same moment may be read twice.
    expect(again).toBeGreaterThanOrEqual(total - read);
    expect(again).toBeLessThanOrEqual(total - read + 4);
  });

  test('keeps what it found before it was interrupted', async () => {
    const store = createMemoryObjectStore();
    const images = [];
    for (const of of ['1', '2', '3']) images.push(await pushImage(open(store), a, { of }));
    for (const { layer } of images) await store.delete(await dataOf(store, layer.digest));
    const damaged = images.map(({ layer }) => `content-missing ${layer.digest}`).sort();
    for (;;) {
      const report = await verify(store, { maxBytes: 1 });
      if (!report.isWhole) continue;
      expect(found(report)).toEqual(damaged);
      break;
    }
  });

  test('is one at a time, in this process and in others', async () => {
    const store = createMemoryObjectStore();
    await pushImage(open(store), a);
    const [one, other] = [open(store), open(store)];
    let go = (): void => {};
    const barrier = new Promise<void>((resolve) => (go = resolve));
    let begin = (): void => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const slow = failing(store, async (key, options) => {
      if (key.startsWith(keys.allData)) {
        begin();
        await barrier;
      }
      return store.get(key, options);
    });
    const waiting = open(slow);
    const running = waiting.verification.run({ settleMs: 0 });
    await begun;
    expect(await waiting.verification.run()).toBeUndefined();
    expect(await one.verification.run()).toBeUndefined();
    expect((await other.verification.status()).runningSince).toBeGreaterThan(0);
    go();
    expect((await running)?.isWhole).toBe(true);
    expect(await one.verification.run({ settleMs: 0 })).toMatchObject({ isWhole: true });
  });

  test('whatever its limits, all of them together find what one finds', async () => {
    const store = createMemoryObjectStore();
    const images = [];
    for (const of of ['1', '2', '3', '4']) images.push(await pushImage(open(store), a, { of }));
    for (const { layer } of images.slice(2)) await store.delete(await dataOf(store, layer.digest));
    await store.delete(keys.repository(a));
    const whole = found(await verify(store));
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 6 }),
      async (limits) => {
        for (const maxBytes of limits) if ((await verify(store, { maxBytes })).isWhole) break;
        expect(found(await verify(store))).toEqual(whole);
      },
    );
    await fc.assert(property, { numRuns: 10 });
  });

  test('beside pushes, moves of tags and deletions finds nothing wrong', async () => {
    const store = createMemoryObjectStore();
    const registry = open(store);
    const ending = new AbortController();
    const work = [1, 2, 3, 4].map(async (worker) => {
      for (let round = 0; !ending.signal.aborted; round += 1) {
        const name = parseRepositoryName(`team/${worker}`);
        const { manifest, referrer } = await pushImage(registry, name, {
          of: `${worker} ${round}`,
        });
        if (round % 2 === 0) await registry.manifests.delete(name, referrer.digest);
        if (round % 3 === 0) await registry.manifests.delete(name, manifest.digest);
      }
    });
    const reports: VerificationReport[] = [];
    for (let pass = 0; pass < 5; pass += 1)
      reports.push(await verify(store, { settleMs: 500, isSparseAllowed: true }));
    ending.abort();
    await Promise.all(work);
    expect(reports.flatMap(found)).toEqual([]);
    expect(reports.every(({ isWhole }) => isWhole)).toBe(true);
  });

  test('looks again at what a push had not written yet', async () => {
    const store = createMemoryObjectStore();
    let write = (): void => {};
    const isAsked = new Promise<void>((resolve) => (write = resolve));
    let begun = (): void => {};
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const pushing = Object.assign(new SharedStore(store), {
      put: async (...given: Parameters<ObjectStore['put']>) => {
        if (given[0].startsWith(keys.allOf('referrers'))) {
          begun();
          await isAsked;
        }
        return store.put(...given);
      },
    });
    const push = pushImage(open(pushing), a);
    await hasBegun;
    let looks = 0;
    const looking = Object.assign(new SharedStore(store), {
      head: async (key: string) => {
        const info = await store.head(key);
        if (!key.startsWith(keys.allOf('referrers'))) return info;
        looks += 1;
        write();
        await push;
        return info;
      },
    });
    expect(found(await verify(looking))).toEqual([]);
    expect(looks).toBe(2);
  });

  test('with a record of its state that makes no sense begins anew', async () => {
    const store = createMemoryObjectStore();
    await pushImage(open(store), a);
    const figures = { startedAt: 1, objects: 0, bytes: 0, records: 0, damaged: 0, findings: [] };
    const state = { pass: { ...figures, position: 5 }, last: 'never' };
    await store.put(keys.task('verification'), bodyOf(bytesOf(JSON.stringify({ runs: 1, state }))));
    expect(await verify(store)).toMatchObject({ isWhole: true, resumedAfter: undefined });
  });
});
