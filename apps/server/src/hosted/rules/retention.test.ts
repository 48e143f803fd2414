import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
  referrersTag,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { bytesOf, collect } from '@oci/testing';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys } from '../keys.js';
import type { ImmutableTagRule } from './immutable-tags.js';
import { LastPushed } from './last-pushed.js';
import type { RetentionCall, RetentionReport } from './retention-report.js';
import type { RetentionRule } from './retention-rule.js';

const name = parseRepositoryName('dev/app');
const day = 24 * 60 * 60_000;
const start = Date.UTC(2030, 0, 1);
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);

afterEach(() => void vi.useRealTimers());

test('a run is due when none has ended within the interval, or the last one was interrupted', async () => {
  const registry = open({ retention: [] });
  const { retention } = registry;
  expect(await retention.isDue(day)).toBe(true);
  const { endedAt } = await run(registry);
  expect(await retention.isDue(day, endedAt + day - 1)).toBe(false);
  expect(await retention.isDue(day, endedAt + day)).toBe(true);
  await run(registry, { dryRun: true });
  expect(await retention.isDue(day, endedAt + day)).toBe(true);
  const ending = new AbortController();
  const rules = [{ ...dev, keepLast: 1 }];
  const interrupted = open({ retention: rules }, abortingStore(ending));
  await push(interrupted, manifestOf('1'), '1');
  await expect(run(interrupted, { signal: ending.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(await interrupted.retention.isDue(day)).toBe(true);
});

/** A store that ends what lists repositories. */
function abortingStore(ending: AbortController): ObjectStore {
  const store = createMemoryObjectStore();
  const entries = store.entries.bind(store);
  store.entries = (prefix, options) => {
    if (prefix === keys.repositories) ending.abort();
    return entries(prefix, options);
  };
  return store;
}

/** Says which day it is, counted from the first. */
function itIs(days: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: start + days * day });
}

function manifestOf(
  text: string,
  more: { readonly children?: readonly Descriptor[]; readonly subject?: Descriptor } = {},
): ResolvedManifest {
  const { imageIndex: mediaType } = mediaTypes;
  const { children: manifests = [], subject } = more;
  const annotations = { text };
  const document = { schemaVersion: 2, mediaType, manifests, subject, annotations };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

interface Rules {
  readonly retention: readonly RetentionRule[];
  readonly immutableTags?: readonly ImmutableTagRule[];
}

const dev = { repositories: ['dev/**'], tags: ['*'] };

function open(rules: Rules, store: ObjectStore = createMemoryObjectStore()): HostedRegistry {
  return createHostedRegistry(store, {
    rules: () => ({ immutableTags: [], ...rules }),
  });
}

async function push(
  { manifests }: HostedRegistry,
  manifest: ResolvedManifest,
  ...tags: readonly string[]
): Promise<Digest> {
  await manifests.put(name, manifest, { tags: tags.map((tag) => parseTag(tag)) });
  return manifest.descriptor.digest;
}

async function run(
  { retention }: HostedRegistry,
  call: RetentionCall = {},
): Promise<RetentionReport> {
  const report = await retention.run(call);
  if (!report) throw new Error('another run goes on');
  return report;
}

async function tagsOf({ manifests }: HostedRegistry, of = name): Promise<string[]> {
  const tags: string[] = [];
  for await (const tag of manifests.tags(of)) tags.push(tag);
  return tags;
}

async function has({ manifests }: HostedRegistry, digest: Digest): Promise<boolean> {
  const found = await manifests.find(name, { digest });
  return found !== undefined && (await manifests.read(found)).descriptor.digest === digest;
}

describe('tags', () => {
  test('any condition keeps a tag: the last ones, the new ones, those that are pulled', async () => {
    const registry = open({
      retention: [{ ...dev, keepLast: 2, keepDays: 30, keepPulledDays: 14 }],
    });
    itIs(0);
    // Pulls are counted from the first run on.
    await run(registry);
    const pulled = await push(registry, manifestOf('old, pulled'), 'pulled');
    await push(registry, manifestOf('old'), 'old');
    itIs(50);
    registry.pulls.note(name, pulled);
    await push(registry, manifestOf('new'), 'a-new');
    itIs(51);
    await push(registry, manifestOf('last'), 'b-last', 'c-last');
    itIs(60);
    const report = await run(registry);
    expect(await tagsOf(registry)).toEqual(['a-new', 'b-last', 'c-last', 'pulled']);
    expect(report).toMatchObject({
      result: 'done',
      repositories: 1,
      kinds: { tags: { lookedAt: 5, removed: 1 } },
      removals: [
        {
          kind: 'tags',
          repository: name,
          tag: 'old',
          why: 'not among the last 2, pushed 60 days ago, not pulled for 60 days (dev/**:*)',
        },
      ],
    });
    itIs(65);
    await run(registry);
    expect(await tagsOf(registry)).toEqual(['a-new', 'b-last', 'c-last']);
  });

  test('the first rule for a tag decides, and repositories without a rule are left alone', async () => {
    const registry = open({
      retention: [
        { ...dev, tags: ['latest', 'stable-*'] },
        { ...dev, tags: ['*-rc*'], keepDays: 1 },
        { ...dev, keepDays: 10 },
      ],
    });
    itIs(0);
    await push(registry, manifestOf('1'), 'latest', 'stable-1', '1.0-rc1', '1.0');
    const other = parseRepositoryName('prod/app');
    await registry.manifests.put(other, manifestOf('1'), { tags: [parseTag('1.0-rc1')] });
    itIs(5);
    await run(registry);
    expect(await tagsOf(registry)).toEqual(['1.0', 'latest', 'stable-1']);
    itIs(11);
    await run(registry);
    expect(await tagsOf(registry)).toEqual(['latest', 'stable-1']);
    expect(await tagsOf(registry, other)).toEqual(['1.0-rc1']);
  });

  test('immutable tags and those of signatures stay, and count for nothing', async () => {
    const registry = open({
      retention: [{ ...dev, keepLast: 1 }],
      immutableTags: [{ repositories: ['*'], tags: ['v*'], allowDelete: true }],
    });
    itIs(0);
    const digest = await push(registry, manifestOf('1'), 'a', 'b');
    itIs(1);
    const signature = `${referrersTag(digest)}.sig`;
    await push(registry, manifestOf('2'), 'v1', 'v2', signature);
    await run(registry);
    expect(await tagsOf(registry)).toEqual(['b', signature, 'v1', 'v2']);
  });

  test('pulls are not held against a tag before they are counted for as long', async () => {
    const registry = open({ retention: [{ ...dev, keepPulledDays: 14 }] });
    itIs(0);
    await push(registry, manifestOf('1'), 'a');
    itIs(100);
    await run(registry);
    expect(await tagsOf(registry)).toEqual(['a']);
    itIs(114);
    await run(registry);
    expect(await tagsOf(registry)).toEqual([]);
  });

  test('a dry run tells the same, and changes nothing', async () => {
    const store = createMemoryObjectStore();
    const registry = open({ retention: [{ ...dev, keepDays: 1, untaggedDays: 1 }] }, store);
    itIs(0);
    await push(registry, manifestOf('1'), 'a', 'b');
    await push(registry, manifestOf('2'));
    itIs(2);
    const before = await contentOf(store);
    const dry = await run(registry, { dryRun: true });
    expect(await contentOf(store)).toEqual(before);
    const { removals } = await run(registry);
    expect(dry).toMatchObject({ dryRun: true, removals });
    expect(removals.map(({ tag }) => tag)).toEqual(['a', 'b']);
    const status = await registry.retention.status();
    expect(status).toMatchObject({ runningSince: undefined, last: { dryRun: false } });
    expect(status.lastDryRun?.removals).toEqual(removals);
  });

  test('a tag that is moved after it was read stays', async () => {
    const store = createMemoryObjectStore();
    const registry = open({ retention: [{ ...dev, keepDays: 1 }] }, store);
    itIs(0);
    await push(registry, manifestOf('1'), 'a', 'b');
    itIs(2);
    const other = createHostedRegistry(store);
    const deletion = vi.spyOn(registry.manifests, 'deleteTag');
    deletion.mockImplementationOnce(async (...args) => {
      await push(other, manifestOf('2'), 'a');
      return registry.manifests.deleteTag(...args);
    });
    const { removals } = await run(registry);
    expect(removals.map(({ tag }) => tag)).toEqual(['b']);
    expect(await tagsOf(registry)).toEqual(['a']);
  });
});

test('in memory are as many of the last tags as a rule keeps, whatever their order', () => {
  const pushed = fc.record({ tag: fc.constantFrom('a', 'b', 'c', 'd', 'e'), pushedAt: fc.nat(4) });
  const unique = fc.uniqueArray(pushed, { selector: ({ tag }) => tag });
  const property = fc.property(unique, fc.integer({ min: 1, max: 4 }), (all, most) => {
    const last = new LastPushed(most);
    const tags = all.map(({ tag, pushedAt }) => ({ tag: parseTag(tag), pushedAt }));
    for (const each of tags) last.add(each);
    const expected = tags
      .toSorted((a, b) => b.pushedAt - a.pushedAt || (a.tag < b.tag ? 1 : -1))
      .slice(0, most);
    expect(
      tags
        .filter((each) => last.has(each))
        .map(({ tag }) => tag)
        .sort(),
    ).toEqual(expected.map(({ tag }) => tag).sort());
  });
  fc.assert(property);
});

describe('manifests without a tag', () => {
  const rules = { retention: [{ ...dev, untaggedDays: 7 }] };

  test('go some days after a run has first seen them so, by which a push begins anew', async () => {
    const registry = open(rules);
    itIs(0);
    const moved = await push(registry, manifestOf('1'), 'latest');
    const kept = await push(registry, manifestOf('2'), 'stays');
    itIs(100);
    await push(registry, manifestOf('3'), 'latest');
    await run(registry);
    itIs(106);
    expect((await run(registry)).kinds.manifests).toMatchObject({ removed: 0 });
    await push(registry, manifestOf('1'));
    itIs(108);
    await run(registry);
    itIs(114);
    await run(registry);
    expect(await has(registry, moved)).toBe(true);
    itIs(115);
    expect(await run(registry)).toMatchObject({
      removals: [
        { kind: 'manifests', digest: moved, why: 'nothing has referred to it for 7 days' },
      ],
    });
    expect(await has(registry, moved)).toBe(false);
    expect(await has(registry, kept)).toBe(true);
  });

  test('stay while an index lists them, and go some days after it', async () => {
    const registry = open(rules);
    itIs(0);
    const child = manifestOf('child');
    await push(registry, child);
    const index = await push(registry, manifestOf('index', { children: [child.descriptor] }), 'i');
    itIs(30);
    await run(registry);
    itIs(60);
    await run(registry);
    expect(await has(registry, child.descriptor.digest)).toBe(true);
    await registry.manifests.delete(name, index);
    await run(registry);
    itIs(66);
    await run(registry);
    expect(await has(registry, child.descriptor.digest)).toBe(true);
    itIs(67);
    await run(registry);
    expect(await has(registry, child.descriptor.digest)).toBe(false);
  });

  test('what an index takes up again counts from anew when it is let go', async () => {
    const registry = open(rules);
    itIs(0);
    const child = manifestOf('child');
    await push(registry, child);
    itIs(5);
    await run(registry);
    const index = await push(registry, manifestOf('index', { children: [child.descriptor] }), 'i');
    itIs(20);
    await run(registry);
    await registry.manifests.delete(name, index);
    itIs(21);
    await run(registry);
    expect(await has(registry, child.descriptor.digest)).toBe(true);
  });

  test('signatures stay with their subject and go with it, with those of these', async () => {
    const registry = open(rules);
    itIs(0);
    const image = manifestOf('image');
    const signature = manifestOf('signature', { subject: image.descriptor });
    const note = manifestOf('note', { subject: signature.descriptor });
    await push(registry, image, 'latest');
    const sidecar = `${referrersTag(image.descriptor.digest)}.sig`;
    await push(registry, manifestOf('cosign'), sidecar);
    for (const each of [signature, note]) await push(registry, each);
    itIs(30);
    await run(registry);
    itIs(60);
    await run(registry);
    const all = [image, signature, note].map(({ descriptor }) => descriptor.digest);
    for (const digest of all) expect(await has(registry, digest)).toBe(true);
    await registry.manifests.deleteTag(name, parseTag('latest'));
    await run(registry);
    itIs(67);
    const { removals } = await run(registry);
    expect(removals.map(({ tag, digest }) => tag ?? digest)).toEqual([
      image.descriptor.digest,
      sidecar,
      signature.descriptor.digest,
      note.descriptor.digest,
    ]);
    for (const digest of all) expect(await has(registry, digest)).toBe(false);
    const left: Descriptor[] = [];
    for await (const each of registry.manifests.referrers(name, image.descriptor.digest))
      left.push(each);
    expect(left).toEqual([]);
  });

  test('one that is pulled by its digest stays where the rule counts pulls', async () => {
    const registry = open({ retention: [{ ...dev, untaggedDays: 7, keepPulledDays: 30 }] });
    itIs(0);
    await run(registry);
    const digest = await push(registry, manifestOf('1'));
    itIs(40);
    await run(registry);
    itIs(50);
    registry.pulls.note(name, digest);
    itIs(79);
    await run(registry);
    expect(await has(registry, digest)).toBe(true);
    itIs(81);
    await run(registry);
    expect(await has(registry, digest)).toBe(false);
  });

  test('all stay of a repository of which a record is damaged, which may be what refers to them', async () => {
    const store = createMemoryObjectStore();
    itIs(0);
    const child = manifestOf('child');
    const first = open(rules, store);
    const kept = await push(first, child);
    const index = manifestOf('index', { children: [child.descriptor] });
    await push(first, index, 'i');
    const record = await store.get(keys.manifest(name, index.descriptor.digest));
    const whole = await collect(record?.body ?? bodyOf(bytesOf('')));
    for (const key of [
      keys.manifest(name, index.descriptor.digest),
      keys.tag(name, parseTag('i')),
    ]) {
      await store.put(key, bodyOf(bytesOf('{"med')));
      for (const days of [10, 30]) {
        itIs(days);
        expect(await run(open(rules, store))).toMatchObject({ unreadable: 1, removals: [] });
      }
      await store.put(keys.manifest(name, index.descriptor.digest), bodyOf(whole));
    }
    expect(await has(open(rules, store), kept)).toBe(true);
  });

  test('all stay of a repository of which an index cannot be read', async () => {
    const store = createMemoryObjectStore();
    itIs(0);
    const child = manifestOf('child');
    const first = open(rules, store);
    await push(first, child);
    await push(first, manifestOf('index', { children: [child.descriptor] }), 'i');
    const keys: string[] = [];
    for await (const key of store.list('v2/data/')) keys.push(key);
    for (const key of keys) await store.put(key, bodyOf(bytesOf('other bytes')));
    const registry = open(rules, store);
    for (const days of [10, 30]) {
      itIs(days);
      expect(await run(registry)).toMatchObject({ unreadable: 1, removals: [] });
    }
  });

  test('one that is tagged, pushed or listed between the look and the removal stays', async () => {
    const changes: ((other: HostedRegistry, one: ResolvedManifest) => Promise<unknown>)[] = [
      (other, one) => push(other, one, 'new'),
      (other, one) => push(other, one),
      (other, one) => push(other, manifestOf('index', { children: [one.descriptor] })),
    ];
    for (const change of changes) {
      const store = createMemoryObjectStore();
      const registry = open(rules, store);
      itIs(0);
      const one = manifestOf('1');
      await push(registry, one);
      itIs(10);
      await run(registry);
      itIs(20);
      const removal = vi.spyOn(registry.manifests, 'removeUntagged');
      removal.mockImplementationOnce(async (...args) => {
        await change(createHostedRegistry(store), one);
        return registry.manifests.removeUntagged(...args);
      });
      expect((await run(registry)).removals).toEqual([]);
      expect(removal).toHaveBeenCalled();
      expect(await has(registry, one.descriptor.digest)).toBe(true);
    }
  });
});

test('whatever is pushed while rules run in two processes, what was acknowledged is whole', async () => {
  const child = manifestOf('child');
  const pushes = {
    tag: [child, 'new'],
    index: [manifestOf('index', { children: [child.descriptor] }), 'index'],
    again: [child],
  } as const;
  const step = fc.record({
    what: fc.constantFrom('tag', 'index', 'again', 'run'),
    replica: fc.constantFrom(0, 1),
  } as const);
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 1, maxLength: 4 }),
    async (scheduler, steps) => {
      const memory = createMemoryObjectStore();
      const rules = { retention: [{ ...dev, untaggedDays: 7 }] };
      const before = open(rules, memory);
      itIs(0);
      await push(before, child);
      itIs(10);
      await run(before);
      itIs(20);
      const registries = [0, 1].map(() => open(rules, scheduledStore(memory, scheduler)));
      const done = new Set<string>();
      const work = [{ what: 'run', replica: 0 } as const, ...steps].map(
        async ({ what, replica }) => {
          await scheduler.schedule(Promise.resolve(), `begin ${what}`);
          const registry = registries[replica];
          if (!registry) return;
          // A second process would wait until it knows whether the run of the first lives.
          if (what === 'run') return void (await registries[0]?.retention.run());
          const [manifest, ...tags] = pushes[what];
          await push(registry, manifest, ...tags).then(
            () => done.add(what),
            (error: unknown) => expect(error).toMatchObject({ code: 'BLOB_UNKNOWN' }),
          );
        },
      );
      await finish(scheduler, Promise.all(work));
      const registry = createHostedRegistry(memory);
      for (const what of done) {
        const [manifest] = pushes[what as keyof typeof pushes];
        expect([what, await has(registry, manifest.descriptor.digest)]).toEqual([what, true]);
        expect([what, await has(registry, child.descriptor.digest)]).toEqual([what, true]);
      }
    },
  );
  await fc.assert(property, { numRuns });
}, 120_000);

async function contentOf(store: ObjectStore): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { key, version } of store.entries(''))
    if (!key.startsWith('v2/tasks/')) all.push([key, version]);
  return all;
}
