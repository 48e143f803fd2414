import { expect, test } from 'vitest';

import type { MakeObjectStore } from '../object-store-contract.js';
import type { ObjectStoreLike } from './object-store.js';
import { bodyOf, keysOf, withStore } from './with-store.js';

/** In byte order: "-" and "." come before "/", and capitals before small letters. */
const sorted = ['B/x', 'a-b/x', 'a.b', 'a/0', 'a/b/c', 'a/b/d', 'a/c', 'a0', 'b'];

export function listTests(make: MakeObjectStore): void {
  test(
    'lists nothing while it is empty',
    withStore(make, async (store) => {
      expect(await keysOf(store.list(''))).toEqual([]);
      expect(await keysOf(store.list('no/such/'))).toEqual([]);
    }),
  );

  test(
    'lists all keys in byte order',
    withStore(make, async (store) => {
      await fill(store);
      expect(await keysOf(store.list(''))).toEqual(sorted);
    }),
  );

  test(
    'lists the keys below a prefix',
    withStore(make, async (store) => {
      await fill(store);
      expect(await keysOf(store.list('a/'))).toEqual(['a/0', 'a/b/c', 'a/b/d', 'a/c']);
      expect(await keysOf(store.list('a/b/'))).toEqual(['a/b/c', 'a/b/d']);
    }),
  );

  test(
    'lists what comes after a key, whether the key is there or not',
    withStore(make, async (store) => {
      await fill(store);
      expect(await keysOf(store.list('', { after: 'a/b/c' }))).toEqual(['a/b/d', 'a/c', 'a0', 'b']);
      expect(await keysOf(store.list('a/', { after: 'a/b/c0' }))).toEqual(['a/b/d', 'a/c']);
      expect(await keysOf(store.list('a/', { after: 'a/c' }))).toEqual([]);
    }),
  );

  test(
    'lists with each key what is known of its object, in pages of any size',
    withStore(make, async (store) => {
      await fill(store);
      for (const pageSize of [1, 2, undefined]) {
        const found: string[] = [];
        for await (const { key, ...info } of store.entries('a/', { after: 'a/0', pageSize })) {
          const { modifiedAt = 0, ...head } = (await store.head(key)) ?? {};
          // Of one object, HTTP tells seconds.
          expect(Math.floor(info.modifiedAt / 1000)).toBe(Math.floor(modifiedAt / 1000));
          expect({ key, ...info }).toEqual({ key, ...head, modifiedAt: info.modifiedAt });
          found.push(key);
        }
        expect(found).toEqual(['a/b/c', 'a/b/d', 'a/c']);
      }
    }),
  );

  test(
    'lists no more what was deleted',
    withStore(make, async (store) => {
      await fill(store);
      await store.delete('a/b/c');
      expect(await keysOf(store.list('a/b/'))).toEqual(['a/b/d']);
    }),
  );

  test(
    'lists several hundred keys',
    withStore(make, async (store) => {
      const keys = Array.from(
        { length: 300 },
        (_, index) => `many/${String(index).padStart(4, '0')}`,
      );
      for (const key of keys) await store.put(key, bodyOf('x'));
      expect(await keysOf(store.list('many/'))).toEqual(keys);
    }),
  );
}

async function fill(store: ObjectStoreLike): Promise<void> {
  for (const key of sorted.toReversed()) await store.put(key, bodyOf(key));
}
