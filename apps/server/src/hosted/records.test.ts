import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { bytes } from './json-object.js';
import { Records } from './records.js';

const lost = new OciError('STORAGE_FAILED', 'no answer', { retryable: true });

/** A store of which some answers of writes are lost, counted from 1, after or before the write was done. */
function lossy(
  store: ObjectStore,
  losses: Readonly<Record<number, 'after' | 'before'>>,
  between: () => Promise<void> = async () => {},
): ObjectStore {
  let writes = 0;
  return new Proxy(store, {
    get(target, name) {
      if (name === 'deleteVersion') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'put') return value.bind(target) as unknown;
      return async (...given: Parameters<ObjectStore['put']>) => {
        const loss = losses[(writes += 1)];
        if (loss === 'before') throw lost;
        const stored = await target.put(...given);
        if (loss === undefined) return stored;
        await between();
        throw lost;
      };
    },
  });
}

test('reads a record again once another process has replaced it, and parses no version twice', async () => {
  const store = createMemoryObjectStore();
  const [records, other] = [new Records(store), new Records(store)];
  expect(await records.get('a')).toBeUndefined();
  await other.change('a', () => ({ is: 1 }));
  const first = await records.get('a');
  expect(first).toEqual({ is: 1 });
  expect(await records.get('a')).toBe(first);
  await other.change('a', () => ({ is: 2 }));
  expect(await records.get('a')).toEqual({ is: 2 });
  await other.removeIf('a', () => true);
  expect(await records.get('a')).toBeUndefined();
});

test('of two who write in the version that both have seen, one is told that it was too late', async () => {
  const store = createMemoryObjectStore();
  const [one, other] = [new Records(store), new Records(store)];
  const seen = await one.see('a');
  expect(await one.write('a', { by: 'one' }, seen)).toBeDefined();
  expect(await other.write('a', { by: 'other' }, seen)).toBeUndefined();
  expect(await other.remove('a', await other.see('a'))).toBe(true);
});

test.each([
  ['after it was done', { 1: 'after' }],
  ['before it was done', { 1: 'before' }],
  ['twice', { 1: 'after', 2: 'before' }],
] as const)('a write whose answer is lost %s is one write, and a success', async (_, losses) => {
  const store = createMemoryObjectStore();
  const records = new Records(lossy(store, losses));
  const written = await records.write('a', { is: 1 }, await records.see('a'));
  expect(written?.value).toEqual({ is: 1 });
  // What follows is in the version that was written.
  expect(written && (await records.write('a', { is: 2 }, written))).toBeDefined();
  expect(await new Records(store).get('a')).toEqual({ is: 2 });
});

test('a write whose answer is lost counted, although another has replaced it since', async () => {
  const store = createMemoryObjectStore();
  const other = new Records(store);
  const replace = async (): Promise<void> => {
    await other.change('a', () => ({ by: 'other' }));
  };
  const records = new Records(lossy(store, { 1: 'after' }, replace));
  expect(await records.write('a', { by: 'me' }, await records.see('a'))).toBeDefined();
  expect(await records.get('a')).toEqual({ by: 'other' });
});

test('a write whose answer is lost did not count where another was first', async () => {
  const store = createMemoryObjectStore();
  const other = new Records(store);
  const records = new Records(lossy(store, { 1: 'before' }));
  const seen = await records.see('a');
  await other.change('a', () => ({ by: 'other' }));
  expect(await records.write('a', { by: 'me' }, seen)).toBeUndefined();
});

test('a removal whose answer is lost is done, and what was removed is in no list', async () => {
  const store = createMemoryObjectStore();
  const records = new Records(lossy(store, { 2: 'after' }));
  await records.change('a', () => ({ is: 1 }));
  expect(await records.removeIf('a', () => true)).toBe(true);
  expect(await records.has('a')).toBe(false);
  for await (const { key } of records.entries('')) expect(key).toBeUndefined();
  // The empty object that is left is replaced as any version.
  await records.change('a', () => ({ is: 2 }));
  expect(await records.get('a')).toEqual({ is: 2 });
});

test('a write whose answers are all lost is told as a failure that may pass', async () => {
  const store = createMemoryObjectStore();
  const records = new Records(lossy(store, { 1: 'before', 2: 'before', 3: 'before' }));
  const write = records.write('a', { is: 1 }, await records.see('a'));
  await expect(write).rejects.toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
});

test('a record that cannot be parsed counts as missing, and is replaced', async () => {
  const store = createMemoryObjectStore();
  await store.put('a', bytes(Buffer.from('{"is')));
  const records = new Records(store);
  expect(await records.get('a')).toBeUndefined();
  await records.change('a', () => ({ is: 1 }));
  expect(await records.get('a')).toEqual({ is: 1 });
});
