import { expect, test } from 'vitest';

import type { MakeObjectStore } from '../object-store-contract.js';
import type { ObjectStoreLike } from './object-store.js';
import { bodyOf, readText, withStore } from './with-store.js';

export function conditionTests(make: MakeObjectStore): void {
  test(
    'gives another version to what replaces an object',
    withStore(make, async (store) => {
      const first = await store.put('key', bodyOf('one'));
      const second = await store.put('key', bodyOf('two'));
      expect(second?.version).not.toBe(first?.version);
      expect((await store.head('key'))?.version).toBe(second?.version);
    }),
  );

  test(
    'creates only what is absent when asked to',
    withStore(make, async (store) => {
      const condition = { ifAbsent: true } as const;
      expect(await store.put('key', bodyOf('first'), { condition })).toBeDefined();
      expect(await store.put('key', bodyOf('second'), { condition })).toBeUndefined();
      expect(await readText(store, 'key')).toBe('first');
    }),
  );

  test(
    'replaces only the version that was read when asked to',
    withStore(make, async (store) => {
      const stale = await versionOf(store, 'one');
      const current = await versionOf(store, 'two');
      const put = (version: string, text: string): Promise<unknown> =>
        store.put('key', bodyOf(text), { condition: { ifVersion: version } });
      expect(await put(stale, 'refused')).toBeUndefined();
      expect(await readText(store, 'key')).toBe('two');
      expect(await put(current, 'three')).toBeDefined();
      expect(await readText(store, 'key')).toBe('three');
    }),
  );

  test(
    'replaces nothing where the version that was read is gone',
    withStore(make, async (store) => {
      const version = await versionOf(store, 'one');
      await store.delete('key');
      expect(
        await store.put('key', bodyOf('two'), { condition: { ifVersion: version } }),
      ).toBeUndefined();
      expect(await store.head('key')).toBeUndefined();
    }),
  );

  test(
    'lets one of many creators win',
    withStore(make, async (store) => {
      const texts = Array.from({ length: 8 }, (_, index) => `creator ${index}`);
      const condition = { ifAbsent: true } as const;
      await expectOneWinner(store, texts, condition);
    }),
  );

  test(
    'lets one of many replacers of the same version win',
    withStore(make, async (store) => {
      const version = await versionOf(store, 'start');
      const texts = Array.from({ length: 8 }, (_, index) => `replacer number ${index}`);
      await expectOneWinner(store, texts, { ifVersion: version });
    }),
  );
}

/** A loser may be told that its write failed, as by Ceph's radosgw; who then asks again is refused. */
async function expectOneWinner(
  store: ObjectStoreLike,
  texts: readonly string[],
  condition: { readonly ifAbsent: true } | { readonly ifVersion: string },
): Promise<void> {
  const put = (text: string) => store.put('key', bodyOf(text), { condition });
  const puts = await Promise.all(
    texts.map((text) =>
      put(text).catch((error: unknown) => {
        if (!(error instanceof Error && 'retryable' in error && error.retryable)) throw error;
        return put(text);
      }),
    ),
  );
  const winners = texts.filter((_, index) => puts[index] !== undefined);
  expect(winners).toHaveLength(1);
  expect(await readText(store, 'key')).toBe(winners[0]);
}

async function versionOf(store: ObjectStoreLike, text: string): Promise<string> {
  const info = await store.put('key', bodyOf(text));
  if (!info) throw new Error('a put without condition stores');
  return info.version;
}
