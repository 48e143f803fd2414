import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { collect, inChunks, randomBytes, textOf } from '../../bytes.js';
import type { MakeObjectStore } from '../object-store-contract.js';
import { bodyOf, readText, withStore } from './with-store.js';

export function objectTests(make: MakeObjectStore): void {
  test(
    'gives back what was put, with its size',
    withStore(make, async (store) => {
      const put = await store.put('a/b/c', bodyOf('hello'));
      const object = await store.get('a/b/c');
      expect(object && textOf(await collect(object.body))).toBe('hello');
      expect(put?.size).toBe(5);
      expect(object?.info).toMatchObject({ size: 5, version: put?.version });
      expect(await store.head('a/b/c')).toEqual(object?.info);
      expect(object?.info.modifiedAt).toBeGreaterThan(0);
    }),
  );

  test(
    'has nothing under a key that was never put',
    withStore(make, async (store) => {
      await store.put('a/b', bodyOf('x'));
      for (const key of ['missing', 'a', 'a/missing', 'a/b/below']) {
        expect({ key, head: await store.head(key) }).toEqual({ key, head: undefined });
        expect({ key, object: await store.get(key) }).toEqual({ key, object: undefined });
      }
    }),
  );

  test(
    'keeps an empty object and a large one',
    withStore(make, async (store) => {
      const large = randomBytes(40, 3 * 1024 * 1024);
      await store.put('empty', inChunks(new Uint8Array()));
      await store.put('large', inChunks(large, 1, 100_003));
      expect((await store.head('empty'))?.size).toBe(0);
      expect(await readText(store, 'empty')).toBe('');
      const object = await store.get('large');
      expect(digestOf(object ? await collect(object.body) : new Uint8Array())).toBe(
        digestOf(large),
      );
    }),
  );

  test(
    'keeps keys of every allowed character apart',
    withStore(make, async (store) => {
      const keys = ['sha256:ab/Data', 'sha256:ab/data', 'x/y..', 'x/y.z', 'A-_.@+=:9/0'];
      for (const key of keys) await store.put(key, bodyOf(key));
      for (const key of keys) expect(await readText(store, key)).toBe(key);
    }),
  );

  test(
    'gives the bytes of a range',
    withStore(make, async (store) => {
      await store.put('digits', bodyOf('0123456789'));
      for (const [range, text] of [
        [{ first: 0 }, '0123456789'],
        [{ first: 4 }, '456789'],
        [{ first: 2, last: 5 }, '2345'],
        [{ first: 9, last: 9 }, '9'],
        [{ first: 7, last: 100 }, '789'],
      ] as const) {
        const object = await store.get('digits', { range });
        const found = object && textOf(await collect(object.body));
        expect({ range, found }).toEqual({ range, found: text });
        expect(object?.info.size).toBe(10);
      }
    }),
  );

  test(
    'gives a reader the version that it opened, whatever is put meanwhile',
    withStore(make, async (store) => {
      await store.put('key', bodyOf('before'));
      const opened = await store.get('key');
      await store.put('key', bodyOf('after it'));
      expect(opened && textOf(await collect(opened.body))).toBe('before');
      expect(opened?.info.size).toBe(6);
      expect(await readText(store, 'key')).toBe('after it');
    }),
  );

  deletionTests(make);
}

function deletionTests(make: MakeObjectStore): void {
  test(
    'deletes an object, and one that is not there',
    withStore(make, async (store) => {
      await store.put('a/b', bodyOf('x'));
      await store.put('a/c', bodyOf('y'));
      await store.delete('a/b');
      await store.delete('a/b');
      await store.delete('never');
      expect(await store.head('a/b')).toBeUndefined();
      expect(await readText(store, 'a/c')).toBe('y');
    }),
  );

  test(
    'deletes a version, and no other one, where it can',
    withStore(make, async (store) => {
      const first = await store.put('a', bodyOf('one'));
      const second = await store.put('a', bodyOf('two'));
      if (!store.deleteVersion) return;
      expect(await store.deleteVersion('a', first?.version ?? '')).toBe(false);
      expect(await readText(store, 'a')).toBe('two');
      expect(await store.deleteVersion('a', second?.version ?? '')).toBe(true);
      expect(await store.deleteVersion('a', second?.version ?? '')).toBe(false);
      expect(await store.head('a')).toBeUndefined();
    }),
  );

  test(
    'puts again what was deleted',
    withStore(make, async (store) => {
      await store.put('a/b', bodyOf('x'));
      await store.delete('a/b');
      await store.put('a/b', bodyOf('again'));
      expect(await readText(store, 'a/b')).toBe('again');
    }),
  );
}
