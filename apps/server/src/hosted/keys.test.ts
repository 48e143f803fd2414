import { isObjectKey } from '@oci/cache';
import {
  type Digest,
  type RepositoryName,
  type Tag,
  parseDigest,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { digestOfContentKey, idOfDataKey, keys, repositoryOfKey, tagOfKey } from './keys.js';

const name = parseRepositoryName('a/b');
const hex = 'ab'.repeat(32);
const sha256 = parseDigest(`sha256:${hex}`);
const sha512 = parseDigest(`sha512:${'ab'.repeat(64)}`);

test('keys of version 2 are where they always were', () => {
  const path = `sha256/ab/${hex.slice(2)}`;
  expect(keys.data('0123456789')).toBe('v2/data/01/23456789');
  expect(keys.content(sha256)).toBe(`v2/content/${path}`);
  expect(keys.link(sha256, name)).toBe(`v2/links/${path}/a.b`);
  expect(keys.repository(parseRepositoryName('a-b.c_d/e'))).toBe('v2/repositories/a+b-c_d.e');
  expect(keys.manifest(name, sha256)).toBe(`v2/manifests/a.b/sha256-${hex}`);
  expect(keys.tag(name, parseTag('V1.0_x-y'))).toBe('v2/tags/a.b/=v1.0_x-y');
  expect(keys.referrer(name, sha256, sha256)).toBe(`v2/referrers/a.b/sha256-${hex}/sha256-${hex}`);
  expect(keys.upload('x')).toBe('v2/uploads/x');
});

const tag = fc
  .stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/)
  .map((text) => parseTag(text.slice(0, 128)));
const longestTags = ['A'.repeat(128), 'Aa'.repeat(64), '_Z'.repeat(64), `${'A'.repeat(127)}z`];
const slashes = Array.from({ length: 128 }, () => 'a').join('/') as RepositoryName;
const repository = fc
  .array(fc.stringMatching(/^[a-z0-9]{1,3}(?:[._-][a-z0-9]{1,3})?$/), {
    minLength: 1,
    maxLength: 40,
  })
  .map((parts) =>
    parseRepositoryName(
      parts
        .join('/')
        .slice(0, 255)
        .replace(/[^a-z0-9]$/, ''),
    ),
  );

test('every tag and name has a key that a file system takes, and comes back from it', () => {
  fc.assert(
    fc.property(fc.oneof(tag, fc.constantFrom(...longestTags.map(parseTag))), (text: Tag) => {
      const key = keys.tag(parseRepositoryName('a'.repeat(255)), text);
      expect(isObjectKey(key)).toBe(true);
      expect(tagOfKey(key)).toBe(text);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(repository, fc.constant(slashes)), (text: RepositoryName) => {
      const key = keys.repository(text);
      expect(isObjectKey(key)).toBe(true);
      expect(repositoryOfKey(key)).toBe(text);
      expect(repositoryOfKey(keys.link(sha256, text))).toBe(text);
    }),
  );
});

test('keys have the order of the names and tags that they stand for', () => {
  fc.assert(
    fc.property(repository, repository, (one, other) => {
      expect(keys.repository(one) < keys.repository(other)).toBe(one < other);
    }),
  );
  fc.assert(
    fc.property(tag, tag, (one, other) => {
      expect(keys.tag(name, one) < keys.tag(name, other)).toBe(one < other);
    }),
  );
});

test('the longest tags have keys in their order that differ on every file system', () => {
  const capitals = fc.stringMatching(/^[A-Z]{126}[A-Z]{0,2}$/);
  const start = fc.stringMatching(/^[A-Z]{120,126}$/);
  const end = fc.stringMatching(/^[a-zA-Z0-9._-]{0,8}$/);
  const long = fc
    .oneof(
      capitals,
      fc.tuple(start, end).map((parts) => parts.join('')),
    )
    .map((text) => parseTag(text.slice(0, 128)));
  // Most pairs that are made one by one differ in their first letter.
  const pair = fc.tuple(long, end, end).map(([text, one, other]) => {
    const shared = text.slice(0, 126);
    return [one, other].map((rest) => parseTag(`${shared}${rest}`.slice(0, 128)));
  });
  fc.assert(
    fc.property(fc.oneof(pair, fc.tuple(long, long)), ([one = 'a' as Tag, other = one]) => {
      const [first, second] = [keys.tag(name, one), keys.tag(name, other)];
      expect(first < second).toBe(one < other);
      expect(first.toLowerCase() === second.toLowerCase()).toBe(one === other);
      for (const [key, text] of [
        [first, one],
        [second, other],
      ] as const) {
        expect(isObjectKey(key)).toBe(true);
        expect(tagOfKey(key)).toBe(text);
      }
    }),
    { numRuns: 2000 },
  );
});

test('tags that differ only in case have keys that differ on every file system', () => {
  const texts = [
    'A'.repeat(90),
    `a${'A'.repeat(89)}`,
    'a'.repeat(90),
    'A'.repeat(128),
    `${'A'.repeat(127)}a`,
    `${'A'.repeat(126)}aA`,
    'a'.repeat(128),
  ];
  const found = texts.map((text) => keys.tag(name, parseTag(text)).toLowerCase());
  expect(new Set(found).size).toBe(texts.length);
});

test.each([`x:${'A'.repeat(254)}`, `${'a+'.repeat(120)}a:A`, `x:${'-'.repeat(254)}`])(
  'the digest %s, which nothing can be stored under, has keys all the same',
  (text) => {
    const digest: Digest = parseDigest(text);
    const long = parseRepositoryName('a'.repeat(255));
    for (const key of [
      keys.content(digest),
      keys.link(digest, long),
      keys.manifest(long, digest),
      keys.referrer(long, digest, sha512),
      keys.referrer(long, sha512, digest),
    ])
      expect({ key, isObjectKey: isObjectKey(key) }).toEqual({ key, isObjectKey: true });
    expect(keys.content(digest)).not.toBe(keys.content(parseDigest(`${text.slice(0, -1)}_`)));
    expect(digestOfContentKey(keys.content(digest))).toBeUndefined();
  },
);

test('a key of content tells the digest, and one of data its id', () => {
  for (const digest of [sha256, sha512])
    expect(digestOfContentKey(keys.content(digest))).toBe(digest);
  expect(digestOfContentKey('v2/content/sha256/ab')).toBeUndefined();
  expect(idOfDataKey(keys.data('abcdef'))).toBe('abcdef');
});
