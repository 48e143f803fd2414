import { expect, test } from 'vitest';

import { ByteMemory } from './byte-memory.js';

test('what was not used for longest makes room', () => {
  const memory = new ByteMemory(10);
  memory.set('a', new Uint8Array(4));
  memory.set('b', new Uint8Array(4));
  memory.get('a');
  memory.set('c', new Uint8Array(4));
  expect(['a', 'b', 'c'].map((key) => memory.get(key)?.byteLength)).toEqual([4, undefined, 4]);
});

test('keeps nothing that is larger than all of it, and counts what is replaced once', () => {
  const memory = new ByteMemory(10);
  memory.set('a', new Uint8Array(11));
  expect(memory.get('a')).toBeUndefined();
  for (let time = 0; time < 5; time += 1) memory.set('b', new Uint8Array(5));
  memory.set('c', new Uint8Array(5));
  expect(memory.get('b')?.byteLength).toBe(5);
});
