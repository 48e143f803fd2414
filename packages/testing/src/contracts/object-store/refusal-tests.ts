import { expect, test } from 'vitest';

import { bytesOf, inChunks, randomBytes } from '../../bytes.js';
import type { MakeObjectStore } from '../object-store-contract.js';
import { bodyOf, keysOf, readText, withStore } from './with-store.js';

const badKeys = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  '../a',
  'a/../b',
  'a/.',
  'a\\b',
  'a\0b',
  'a b',
  'ä',
  'a/%2e%2e/b',
];

export function refusalTests(make: MakeObjectStore): void {
  test.each(badKeys)('refuses the key %j everywhere', (key) =>
    withStore(make, async (store) => {
      await store.put('part', bodyOf('x'));
      await expect(store.put(key, bodyOf('x'))).rejects.toThrow(Error);
      await expect(store.get(key)).rejects.toThrow(Error);
      await expect(store.head(key)).rejects.toThrow(Error);
      await expect(store.delete(key)).rejects.toThrow(Error);
      await expect(store.join(['part'], key)).rejects.toThrow(Error);
      expect(await keysOf(store.list(''))).toEqual(['part']);
    })(),
  );

  test(
    'stores nothing of a body that fails, and passes the failure on',
    withStore(make, async (store) => {
      await expect(store.put('new', failing())).rejects.toThrow('the source broke');
      expect(await store.head('new')).toBeUndefined();
      expect(await keysOf(store.list(''))).toEqual([]);
    }),
  );

  test(
    'leaves an object as it was when its replacement fails',
    withStore(make, async (store) => {
      await store.put('key', bodyOf('before'));
      await expect(store.put('key', failing())).rejects.toThrow('the source broke');
      expect(await readText(store, 'key')).toBe('before');
    }),
  );

  test(
    'shows nothing of an object before it is whole',
    withStore(make, async (store) => {
      let seen: unknown = 'nothing was looked at';
      async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
        yield* inChunks(randomBytes(42, 200_000), 65_536);
        seen = [await store.head('key'), await keysOf(store.list(''))];
        yield bytesOf('the end');
      }
      await store.put('key', body());
      expect(seen).toEqual([undefined, []]);
      expect((await store.head('key'))?.size).toBe(200_007);
    }),
  );

  test(
    'begins nothing when the signal is aborted already',
    withStore(make, async (store) => {
      const options = { signal: AbortSignal.abort() };
      const aborted = { code: 'ABORTED' };
      await store.put('key', bodyOf('before'));
      await expect(store.put('key', bodyOf('after'), options)).rejects.toMatchObject(aborted);
      await expect(store.get('key', options)).rejects.toMatchObject(aborted);
      await expect(store.join(['key'], 'other', options)).rejects.toMatchObject(aborted);
      expect(await keysOf(store.list(''))).toEqual(['key']);
      expect(await readText(store, 'key')).toBe('before');
    }),
  );

  test(
    'stops a put in the middle and stores nothing',
    withStore(make, async (store) => {
      const controller = new AbortController();
      async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
        yield bytesOf('first');
        controller.abort();
        yield bytesOf('second');
      }
      const put = store.put('key', body(), { signal: controller.signal });
      await expect(put).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await keysOf(store.list(''))).toEqual([]);
    }),
  );
}

async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inChunks(randomBytes(43, 100_000), 65_536);
  throw new Error('the source broke');
}
