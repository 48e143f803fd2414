import { expect, test } from 'vitest';
import * as z from 'zod';

import { listOf, mapOf, validate } from './document-schema.js';

const schema = z.looseObject({
  list: listOf(z.looseObject({ size: z.int() })).exactOptional(),
  map: mapOf(z.string()).exactOptional(),
});

test('gives back the very value, with its unknown fields', () => {
  const value = { list: [{ size: 1, more: [null] }], map: { a: 'b' }, more: {} };
  expect(validate(schema, value, 'thing')).toBe(value);
});

test.each([
  [{ list: [{ size: 1 }, { size: 'x' }, {}] }, /the thing is invalid: list\.1\.size: /],
  [{ list: {} }, /list: /],
  [{ map: { a: 'b', c: 1, d: 2 } }, /map\.c: /],
  [{ map: ['a'] }, /map: /],
  [null, /document: /],
])('names the first place that is wrong in %j', (value, message) => {
  expect(() => validate(schema, value, 'thing')).toThrow(message);
});

test('the check of a list and of a map ends at the first invalid entry', () => {
  let checks = 0;
  const counted = z.custom(() => {
    checks += 1;
    return false;
  });
  const entries = Array.from({ length: 1000 }, (_, index) => [`k${index}`, index] as const);
  expect(listOf(counted).safeParse(entries).error?.issues).toHaveLength(1);
  expect(mapOf(counted).safeParse(Object.fromEntries(entries)).error?.issues).toHaveLength(1);
  expect(checks).toBe(2);
});

test('a long key of a hostile document does not fill the message', () => {
  const value = { map: { ['k'.repeat(1_000_000)]: 1 } };
  expect(() => validate(schema, value, 'thing')).toThrow(/^.{40,400}$/);
});
