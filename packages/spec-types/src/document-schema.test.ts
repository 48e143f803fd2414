import { expect, test } from 'vitest';

import {
  count,
  flag,
  listOf,
  listOrNone,
  literal,
  mapOf,
  objectOf,
  optional,
  optionalText,
  text,
  textThat,
  validate,
  valueThat,
} from './document-schema.js';

interface Thing {
  readonly list?: readonly { readonly size: number }[];
  readonly map?: Readonly<Record<string, string>>;
  readonly version?: 2;
  readonly note?: string;
  readonly names?: readonly string[];
  readonly isLast?: boolean;
  readonly upper?: string;
}

const schema = objectOf<Thing>({
  list: optional(listOf(objectOf<{ readonly size: number }>({ size: count }))),
  map: optional(mapOf(text)),
  version: optional(literal(2)),
  note: optionalText(text),
  names: listOrNone(text),
  isLast: optional(flag),
  upper: optional(textThat((value) => /^[A-Z]*$/.test(value), 'in capitals')),
});

test('gives back the very value, with its unknown fields', () => {
  const value = {
    list: [{ size: 1, more: [null] }],
    map: { a: 'b' },
    more: null,
    note: 'x',
    names: ['y'],
  };
  expect(validate(schema, value, 'thing')).toBe(value);
});

test('null, and an empty text that says nothing, are missing fields (image-spec issue 1025)', () => {
  const value = { list: null, map: { a: null, b: 'c' }, version: null, note: '', names: null };
  expect(validate(schema, value, 'thing')).toEqual({ map: { b: 'c' }, names: [] });
  expect(schema.read({ isLast: null, note: null })).toEqual({ names: [] });
  expect(value).toEqual({
    list: null,
    map: { a: null, b: 'c' },
    version: null,
    note: '',
    names: null,
  });
});

test.each([
  [{ list: [{ size: 1 }, { size: 'x' }, {}] }, 'list.1.size: not a whole number'],
  [{ list: [{}] }, 'list.0.size: is missing'],
  [{ list: [[1]] }, 'list.0: not a JSON object'],
  [{ list: {} }, 'list: not a list'],
  [{ list: [null] }, 'list.0: not a JSON object'],
  [{ list: [{ size: null }] }, 'list.0.size: not a whole number'],
  [{ list: undefined }, 'list: not a list'],
  [{ map: { a: 'b', c: 1, d: 2 } }, 'map.c: not text'],
  [{ map: ['a'] }, 'map: not a JSON object'],
  [{ version: 1 }, 'version: not 2'],
  [{ note: 1 }, 'note: not text'],
  [{ isLast: 'yes' }, 'isLast: not true or false'],
  [{ upper: 'a' }, 'upper: not in capitals'],
  [null, 'document: not a JSON object'],
  [[], 'document: not a JSON object'],
])('names the first place that is wrong in %j', (value, message) => {
  expect(schema.read(value)).toBeUndefined();
  expect(() => validate(schema, value, 'thing')).toThrow(`the thing is invalid: ${message}`);
});

test.each([1.5, -1, 2 ** 53, Number.NaN, '1'])('%j is not a whole number of bytes', (size) => {
  expect(schema.read({ list: [{ size }] })).toBeUndefined();
});

test('a field counts only where it is the object’s own', () => {
  const inherited = Object.create({ size: 1 }) as object;
  expect(schema.read({ list: [inherited] })).toBeUndefined();
});

test('the check of a list and of a map ends at the first invalid entry', () => {
  let checks = 0;
  const counted = valueThat(() => {
    checks += 1;
    return false;
  }, 'right');
  const entries = Array.from({ length: 1000 }, (_, index) => [`k${index}`, index] as const);
  expect(listOf(counted).check(entries)).toEqual({ path: [0], message: 'not right' });
  expect(mapOf(counted).check(Object.fromEntries(entries))?.path).toEqual(['k0']);
  expect(checks).toBe(2);
});

test('a long key of a hostile document does not fill the message', () => {
  const value = { map: { ['k'.repeat(1_000_000)]: 1 } };
  expect(() => validate(schema, value, 'thing')).toThrow(/^.{40,400}$/);
});
