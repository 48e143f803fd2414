import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type Digest,
  type ResolvedManifest,
  type Tag,
  mediaTypes,
  parseDigest,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { bytesOf, collect, textOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../../test/scheduled-store.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { keys } from '../keys.js';
import { type ImmutableTagRule, ImmutableTags } from './immutable-tags.js';

const name = parseRepositoryName('team/app');
const [v1, v2, latest] = ['v1', 'v2', 'latest'].map((tag) => parseTag(tag)) as [Tag, Tag, Tag];
const versions: ImmutableTagRule = { repositories: ['team/**'], tags: ['v*'] };
const rules = (...immutableTags: ImmutableTagRule[]) => ({
  rules: () => ({ immutableTags, retention: [] }),
});
const refused = { code: 'POLICY_REFUSED', reason: { kind: 'tag-immutable' } };
const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 40);
const patience = 20_000 + numRuns * 2000;

const [one, two] = ['1', '2'].map((text): ResolvedManifest => {
  const { imageIndex: mediaType } = mediaTypes;
  const document = { schemaVersion: 2, mediaType, manifests: [], annotations: { text } };
  return describeManifest(bytesOf(JSON.stringify(document)));
}) as [ResolvedManifest, ResolvedManifest];
const digests = [one, two].map(({ descriptor }) => descriptor.digest);

test.each([
  [versions, 'team/app', 'v1', true],
  [versions, 'team/app/sub', 'v1.0', true],
  [versions, 'team', 'v1', false],
  [versions, 'other/app', 'v1', false],
  [versions, 'team/app', 'latest', false],
  [{ ...versions, repositories: ['team'] }, 'team', 'v1', true],
  [{ ...versions, repositories: ['*'] }, 'any/thing', 'v1', true],
  [{ ...versions, tags: ['*'] }, 'team/app', 'latest', true],
  [{ ...versions, tags: ['*'], except: ['latest', 'dev-*'] }, 'team/app', 'latest', false],
  [{ ...versions, tags: ['*'], except: ['latest', 'dev-*'] }, 'team/app', 'dev-3', false],
  [{ ...versions, tags: ['1.*.0'] }, 'team/app', '1.2.0', true],
  [{ ...versions, tags: ['1.*.0'] }, 'team/app', '1.2.1', false],
  [{ ...versions, tags: ['*'] }, 'team/app', `sha256-${'a'.repeat(64)}.sig`, false],
  [{ ...versions, tags: ['*'] }, 'team/app', `sha256-${'a'.repeat(64)}`, false],
])('%j in %s: %s is immutable: %s', (rule, repository, tag, expected) => {
  const immutable = new ImmutableTags(() => [rule]);
  expect(immutable.has(parseRepositoryName(repository), parseTag(tag))).toBe(expected);
});

test('one of several rules is enough to keep a tag from being deleted', () => {
  const open = { ...versions, allowDelete: true };
  expect(new ImmutableTags(() => [open]).isKept(name, v1)).toBe(false);
  expect(new ImmutableTags(() => [open, versions]).isKept(name, v1)).toBe(true);
  expect(new ImmutableTags(() => [open, versions]).isKept(name, latest)).toBe(false);
});

async function tagged({ manifests }: HostedRegistry, tag: Tag): Promise<Digest | undefined> {
  return (await manifests.resolve(name, { tag }))?.digest;
}

test('a tag is moved nowhere, may be pushed again as it is, and is not deleted', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore(), rules(versions));
  const { manifests } = registry;
  await manifests.put(name, one, { tags: [v1, latest] });
  await expect(manifests.put(name, two, { tags: [v1] })).rejects.toMatchObject({
    ...refused,
    message: expect.stringContaining(`team/app:v1 is immutable and points to ${digests[0]}`),
  });
  await manifests.put(name, one, { tags: [v1] });
  await expect(manifests.deleteTag(name, v1)).rejects.toMatchObject(refused);
  const held = expect.stringContaining('the immutable tag v1 points to it');
  const deletion = manifests.delete(name, one.descriptor.digest);
  await expect(deletion).rejects.toMatchObject({ ...refused, message: held });
  expect(await tagged(registry, v1)).toBe(digests[0]);
  expect(await tagged(registry, latest)).toBe(digests[0]);
  expect(await manifests.resolve(name, { digest: two.descriptor.digest })).toBeUndefined();
});

test('a push of several tags, of which one is immutable and elsewhere, changes nothing', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore(), rules(versions));
  const { manifests } = registry;
  await manifests.put(name, one, { tags: [v1, latest] });
  const push = manifests.put(name, two, { tags: [latest, v2, v1] });
  await expect(push).rejects.toMatchObject(refused);
  expect(await tagged(registry, latest)).toBe(digests[0]);
  expect(await tagged(registry, v2)).toBeUndefined();
});

test('what a rule allows to delete can be deleted, and not be moved', async () => {
  const registry = createHostedRegistry(
    createMemoryObjectStore(),
    rules({ ...versions, allowDelete: true }),
  );
  const { manifests } = registry;
  await manifests.put(name, one, { tags: [v1, v2] });
  await expect(manifests.put(name, two, { tags: [v1] })).rejects.toMatchObject(refused);
  expect(await manifests.deleteTag(name, v1)).toBe(true);
  expect(await manifests.delete(name, one.descriptor.digest)).toBe(true);
  await manifests.put(name, two, { tags: [v1] });
  expect(await tagged(registry, v1)).toBe(digests[1]);
});

test('a refused deletion leaves a manifest that can be deleted once the rule is gone', async () => {
  let immutableTags: readonly ImmutableTagRule[] = [versions];
  const store = createMemoryObjectStore();
  const registry = createHostedRegistry(store, {
    rules: () => ({ immutableTags, retention: [] }),
  });
  const { digest } = one.descriptor;
  await registry.manifests.put(name, one, { tags: [v1] });
  await expect(registry.manifests.delete(name, digest)).rejects.toMatchObject(refused);
  expect(await tagged(createHostedRegistry(store), v1)).toBe(digest);
  const link = await store.get(keys.link(digest, name));
  expect(textOf(await collect(link?.body ?? []))).not.toContain('condemned');
  immutableTags = [];
  expect(await registry.manifests.delete(name, digest)).toBe(true);
  expect(await tagged(registry, v1)).toBeUndefined();
});

test('a push that writes its tag behind the look of a deletion is seen by it, or begins again', async () => {
  const store = createMemoryObjectStore();
  const { digest } = one.descriptor;
  await createHostedRegistry(store).manifests.put(name, one, { tags: [latest] });
  const [looked, pushed] = [gate(), gate()];
  const begun = gate();
  const pusher = createHostedRegistry(
    {
      ...forwarded(store),
      put: async (key, ...more) => {
        if (key === keys.tag(name, v1)) {
          begun.open();
          await looked.opened;
        }
        return store.put(key, ...more);
      },
    },
    rules(versions),
  );
  const deleter = createHostedRegistry(
    {
      ...forwarded(store),
      deleteVersion: async (key, version) => {
        if (key === keys.link(digest, name)) {
          looked.open();
          await pushed.opened;
        }
        return store.deleteVersion?.(key, version) ?? false;
      },
    },
    rules(versions),
  );
  const push = pusher.manifests.put(name, one, { tags: [v1] }).finally(pushed.open);
  await begun.opened;
  const deletion = deleter.manifests.delete(name, digest);
  await push;
  await expect(deletion).rejects.toMatchObject(refused);
  const found = await createHostedRegistry(store).manifests.find(name, { tag: v1 });
  expect(found?.descriptor.digest).toBe(digest);
});

function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

/** A store whose methods can be replaced one by one. */
function forwarded(store: ObjectStore): ObjectStore {
  return {
    head: (...of) => store.head(...of),
    get: (...of) => store.get(...of),
    put: (...of) => store.put(...of),
    list: (...of) => store.list(...of),
    entries: (...of) => store.entries(...of),
    delete: (...of) => store.delete(...of),
    deleteVersion: store.deleteVersion?.bind(store),
    join: (...of) => store.join(...of),
  };
}

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', createMemoryObjectStore],
  [
    'without conditional deletions',
    (): ObjectStore => Object.assign(createMemoryObjectStore(), { deleteVersion: undefined }),
  ],
] as const;

const replica = fc.constantFrom(0, 1);

describe.each(stores)('two processes on one store %s', (_, createStore) => {
  const replicas = (store: ObjectStore, scheduler: fc.Scheduler): readonly HostedRegistry[] =>
    [1, 2].map(() => createHostedRegistry(scheduledStore(store, scheduler), rules(versions)));

  test(
    'give an immutable tag to one of two manifests that are pushed at once, and tell the other',
    async () => {
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ manifest: fc.constantFrom(one, two), replica }), {
          minLength: 2,
          maxLength: 5,
        }),
        async (scheduler, pushes) => {
          const memory = createStore();
          const registries = replicas(memory, scheduler);
          const work = pushes.map(async ({ manifest, replica: at }) => {
            await scheduler.schedule(Promise.resolve(), 'begin');
            await registries[at]?.manifests.put(name, manifest, { tags: [v1] });
            return manifest.descriptor.digest;
          });
          const outcomes = await finish(scheduler, Promise.allSettled(work));
          expectOnlyRefusals(outcomes);
          const won = new Set(
            outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? outcome.value : [])),
          );
          expect([...won]).toEqual([await tagged(createHostedRegistry(memory), v1)]);
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );

  test(
    'keep an immutable tag that was acknowledged, and what it leads to, whatever is deleted meanwhile',
    async () => {
      const step = fc.record({
        what: fc.constantFrom('put v1', 'put latest', 'put', 'delete', 'delete tag', 'collect'),
        manifest: fc.constantFrom(one, two),
        replica,
      });
      const property = fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 2, maxLength: 6 }),
        async (scheduler, steps) => {
          const memory = createStore();
          await createHostedRegistry(memory).manifests.put(name, one, { tags: [latest] });
          const registries = replicas(memory, scheduler);
          const acknowledged = new Set<Digest>();
          const work = steps.map(async ({ what, manifest, replica: at }) => {
            await scheduler.schedule(Promise.resolve(), `begin ${what}`);
            const registry = registries[at];
            if (!registry) return;
            const { manifests } = registry;
            const { digest } = manifest.descriptor;
            if (what === 'collect') await registry.collection.collect();
            else if (what === 'delete') await manifests.delete(name, digest);
            else if (what === 'delete tag') await manifests.deleteTag(name, v1);
            else await manifests.put(name, manifest, { tags: tagsOf(what) });
            if (what === 'put v1') acknowledged.add(digest);
          });
          expectOnlyRefusals(await finish(scheduler, Promise.allSettled(work)));
          const { manifests } = createHostedRegistry(memory);
          const digest = (await manifests.resolve(name, { tag: v1 }))?.digest;
          expect([[], [digest]]).toContainEqual([...acknowledged]);
          for (const tag of [v1, latest]) {
            const found = await manifests.find(name, { tag });
            if (!found) continue;
            const byDigest = await manifests.find(name, { digest: found.descriptor.digest });
            expect(byDigest && (await manifests.read(byDigest)).descriptor.digest).toBe(
              found.descriptor.digest,
            );
          }
        },
      );
      await fc.assert(property, { numRuns });
    },
    patience,
  );
});

function expectOnlyRefusals(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const reasons = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' ? [outcome.reason as unknown] : [],
  );
  expect(reasons).toEqual(reasons.map(() => expect.objectContaining(refused) as unknown));
}

function tagsOf(what: string): readonly Tag[] {
  if (what === 'put v1') return [v1];
  return what === 'put latest' ? [latest] : [];
}

test('a digest is deleted that no immutable tag points to, beside others', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore(), rules(versions));
  const { manifests } = registry;
  await manifests.put(name, one, { tags: [v1] });
  await manifests.put(name, two, { tags: [latest] });
  expect(await manifests.delete(name, two.descriptor.digest)).toBe(true);
  expect(await manifests.delete(name, parseDigest(`sha256:${'0'.repeat(64)}`))).toBe(false);
  expect(await tagged(registry, v1)).toBe(digests[0]);
});
