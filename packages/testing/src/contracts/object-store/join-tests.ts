import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { collect, inChunks, randomBytes, textOf } from '../../bytes.js';
import type { MakeObjectStore } from '../object-store-contract.js';
import { bodyOf, keysOf, readText, withStore } from './with-store.js';

export function joinTests(make: MakeObjectStore): void {
  test(
    'joins objects in order and removes them',
    withStore(make, async (store) => {
      await store.put('parts/1', bodyOf('one '));
      await store.put('parts/2', bodyOf(''));
      await store.put('parts/3', bodyOf('three'));
      await store.join(['parts/3', 'parts/2', 'parts/1'], 'whole/object');
      expect(await readText(store, 'whole/object')).toBe('threeone ');
      expect(await keysOf(store.list(''))).toEqual(['whole/object']);
    }),
  );

  test(
    'makes a single object another one',
    withStore(make, async (store) => {
      await store.put('parts/1', bodyOf('all of it'));
      await store.join(['parts/1'], 'whole');
      expect(await readText(store, 'whole')).toBe('all of it');
      expect(await keysOf(store.list(''))).toEqual(['whole']);
    }),
  );

  test(
    'replaces what is there, and tells the version of the new object',
    withStore(make, async (store) => {
      await store.put('whole', bodyOf('first'));
      await store.put('parts/1', bodyOf('second'));
      await store.put('parts/2', bodyOf('third'));
      for (const parts of [['parts/1'], ['parts/2', 'parts/3']]) {
        await store.put('parts/3', bodyOf('.'));
        const joined = await store.join(parts, 'whole');
        expect(await store.head('whole')).toEqual(joined);
      }
      expect(await readText(store, 'whole')).toBe('third.');
    }),
  );

  test.each([1, 2])('gives the key to no object of %i parts that is refused', (count) =>
    withStore(make, async (store) => {
      await store.put('whole', bodyOf('before'));
      const parts = ['parts/1', 'parts/2'].slice(0, count);
      for (const part of parts) await store.put(part, bodyOf('wrong'));
      const seen: string[] = [];
      async function* check(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        const bytes = await collect(body);
        seen.push(textOf(bytes));
        yield bytes;
        throw new Error('refused');
      }
      await expect(store.join(parts, 'whole', { check })).rejects.toThrow('refused');
      expect(seen).toEqual(['wrong'.repeat(count)]);
      expect(await readText(store, 'whole')).toBe('before');
    })(),
  );

  test.each([1, 2])('gives the key to the very bytes of %i parts that were checked', (count) =>
    withStore(make, async (store) => {
      const parts = ['parts/1', 'parts/2'].slice(0, count);
      for (const part of parts) await store.put(part, bodyOf('right'));
      async function* check(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        yield* body;
        for (const part of parts) {
          await store.delete(part);
          await store.put(part, bodyOf('wrong'));
        }
      }
      const joined = await store.join(parts, 'whole', { check }).catch(() => undefined);
      const whole = await readText(store, 'whole');
      expect(whole).toBe(joined && 'right'.repeat(count));
    })(),
  );

  test(
    'joins large objects',
    withStore(make, async (store) => {
      const bytes = randomBytes(41, 2_500_000);
      await store.put('parts/1', inChunks(bytes.subarray(0, 1_200_001), 65_536));
      await store.put('parts/2', inChunks(bytes.subarray(1_200_001), 65_536));
      await store.join(['parts/1', 'parts/2'], 'whole');
      const whole = await store.get('whole');
      expect(digestOf(whole ? await collect(whole.body) : new Uint8Array())).toBe(digestOf(bytes));
    }),
  );

  test(
    'fails and makes nothing when one of the objects is missing',
    withStore(make, async (store) => {
      await store.put('parts/1', bodyOf('one'));
      await expect(store.join(['parts/1', 'parts/missing'], 'whole')).rejects.toThrow(Error);
      expect(await store.head('whole')).toBeUndefined();
    }),
  );
}
