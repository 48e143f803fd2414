import { createMemoryObjectStore } from '@oci/cache';
import { expect, test } from 'vitest';

import { bytes } from './json-object.js';
import { SharedStore } from './shared-store.js';

/** A store that counts what it is asked, and answers when it is told to. */
function heldStore() {
  const store = createMemoryObjectStore();
  const held: (() => void)[] = [];
  const head = store.head.bind(store);
  let asked = 0;
  store.head = async (key) => {
    asked += 1;
    const answer = await head(key);
    await new Promise<void>((resolve) => held.push(resolve));
    return answer;
  };
  const release = async (): Promise<void> => {
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const answer of held.splice(0)) answer();
  };
  return { store, release, asked: () => asked };
}

test('asks once for all who ask in one turn, and gives none an answer begun before they asked', async () => {
  const { store, release, asked } = heldStore();
  const shared = new SharedStore(store);
  const before = [shared.head('a'), shared.head('a')];
  while (asked() === 0) await new Promise((resolve) => setImmediate(resolve));
  await store.put('a', bytes(Buffer.from('x')));
  const after = [shared.head('a'), shared.head('a'), shared.head('a')];
  while (asked() === 1) await new Promise((resolve) => setImmediate(resolve));
  await release();
  expect(await Promise.all(before)).toEqual([undefined, undefined]);
  expect((await Promise.all(after)).map((info) => info?.size)).toEqual([1, 1, 1]);
  expect(asked()).toBe(2);
});

test('goes on after a question that failed', async () => {
  const store = createMemoryObjectStore();
  const head = store.head.bind(store);
  let failures = 1;
  store.head = async (key) => {
    if ((failures -= 1) >= 0) throw new Error('the disk is away');
    return head(key);
  };
  const shared = new SharedStore(store);
  const answers = await Promise.allSettled([shared.head('a'), shared.head('a')]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await shared.head('a')).toBeUndefined();
});
