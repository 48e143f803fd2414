import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { collect, inChunks, randomBytes } from '../../bytes.js';
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
        expect(await store.head('whole')).toMatchObject(joined);
      }
      expect(await readText(store, 'whole')).toBe('third.');
    }),
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
