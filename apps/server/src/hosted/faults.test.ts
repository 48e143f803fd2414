import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { beforeAll, describe, expect, test } from 'vitest';

import { FaultyStore, type StoreFault, storeFaults } from '../../test/faulty-store.js';
import { collectAll, fill, known, operations } from '../../test/hosted-operations.js';
import { copyOf, expectEitherOf, expectNamesLead, stateOf } from '../../test/hosted-state.js';
import { createHostedRegistry } from './hosted-registry.js';

/** Memory as it is, and as a bucket that cannot delete under a condition. */
const stores = [
  ['with conditional deletions', (store: ObjectStore) => store],
  [
    'without conditional deletions',
    (store: ObjectStore): ObjectStore => Object.assign(store, { deleteVersion: undefined }),
  ],
] as const;

type State = Awaited<ReturnType<typeof stateOf>>;

/** A collection takes an empty repository from the catalog. */
function withoutCatalog(state: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(state).filter(([thing]) => !thing.startsWith('catalog ')),
  );
}

describe.each(stores)('a store %s', (_, limited) => {
  describe.each(Object.entries(operations))('%s', (_, { prepare, run }) => {
    let filled: ObjectStore;
    let before: State;
    let after: State;
    let changes: number;
    beforeAll(async () => {
      filled = limited(createMemoryObjectStore());
      const registry = createHostedRegistry(filled);
      await fill(registry);
      await prepare?.(registry, filled);
      before = await stateOf(createHostedRegistry(filled), known);
      const store = new FaultyStore(limited(await copyOf(filled)));
      await run(createHostedRegistry(store));
      after = await stateOf(createHostedRegistry(store), known);
      ({ changes } = store);
    });

    /** Runs the operation with a fault at a change, and on what that leaves again. */
    async function runWith(fault: StoreFault, at: number): Promise<void> {
      const store = limited(await copyOf(filled));
      const faulty = new FaultyStore(store, { ...fault, at });
      const registry = createHostedRegistry(faulty);
      const outcome = await run(registry).then(
        () => 'done',
        () => 'failed',
      );
      expect(faulty.hasFailed).toBe(true);
      const state = await stateOf(createHostedRegistry(store), known);
      expectEitherOf(state, [outcome === 'done' ? after : before, after]);
      expectNamesLead(state);
      // The process that saw the failure serves what one does that was started behind it.
      const seen = fault.behind === 'everything' ? state : await stateOf(registry, known);
      expect(seen).toEqual(state);
      const collected = limited(await copyOf(store));
      expect(await collectAll(collected)).toEqual([]);
      const left = await stateOf(createHostedRegistry(collected), known);
      expectEitherOf(withoutCatalog(left), [withoutCatalog(state), withoutCatalog(after)]);
      await run(createHostedRegistry(store));
      expect(await stateOf(createHostedRegistry(store), known)).toEqual(after);
      expect((await collectAll(store)).join(' ')).toBe('');
    }

    test.each(Object.entries(storeFaults))('with each change %s', async (_, fault) => {
      expect(changes).toBeGreaterThan(0);
      const all = Array.from({ length: changes }, (_, at) => at + 1);
      const outcomes = await Promise.allSettled(all.map((at) => runWith(fault, at)));
      const failures = outcomes.flatMap((outcome, at) =>
        outcome.status === 'rejected' ? [`change ${at + 1}: ${String(outcome.reason)}`] : [],
      );
      expect(failures).toEqual([]);
    });
  });
});

const removals = [
  'a tag deleted',
  'a manifest deleted with two tags',
  'a blob deleted',
  'a blob deleted that another repository has',
  'uploads that expire',
  'a collection',
].flatMap((title) => {
  const operation = operations[title];
  return operation ? ([[title, operation]] as const) : [];
});

test.each(removals)('of one process, %s needs to write nothing', async (_, { prepare, run }) => {
  const store = createMemoryObjectStore();
  const registry = createHostedRegistry(store);
  await fill(registry);
  await prepare?.(registry, store);
  const alone = Object.assign(await copyOf(store), { isExclusive: true });
  const full = new FaultyStore(alone, {
    ...storeFaults['refused, as all writes behind it'],
    at: 1,
  });
  await run(createHostedRegistry(full));
  await run(createHostedRegistry(store));
  const [done, expected] = [alone, store].map((each) => createHostedRegistry(each));
  expect(done && (await stateOf(done, known))).toEqual(
    expected && (await stateOf(expected, known)),
  );
  expect(full.changes).toBeGreaterThan(0);
});
