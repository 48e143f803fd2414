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

import { digestOfKey, keys, repositoryOfKey, tagOfKey } from './keys.js';

const name = parseRepositoryName('a/b');
const sha256 = parseDigest(`sha256:${'ab'.repeat(32)}`);
const sha512 = parseDigest(`sha512:${'ab'.repeat(64)}`);

test('keys of version 1 are where they always were', () => {
  expect(keys.name(name)).toBe('v1/names/a=2fb');
  expect(keys.tag(name, parseTag('V1.0_x'))).toBe('v1/repositories/a/b/_tags/=561.0_x');
  expect(keys.tag(name, parseTag('A'.repeat(85)))).toBe(
    `v1/repositories/a/b/_tags/${'=41'.repeat(85)}`,
  );
  expect(keys.blob(sha256)).toBe(`v1/blobs/sha256/${'ab'.repeat(32)}`);
  expect(keys.referrer(name, sha256, sha256)).toBe(
    `v1/repositories/a/b/_referrers/sha256=3a${'ab'.repeat(32)}/sha256=3a${'ab'.repeat(32)}`,
  );
});

const tag = fc
  .stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/)
  .map((text) => parseTag(text.slice(0, 128)));
const component = fc.stringMatching(/^[a-z0-9]{1,3}$/);
const repository = fc
  .array(component, { minLength: 1, maxLength: 128 })
  .map((parts) => parts.join('/').slice(0, 255).replace(/\/$/, ''))
  .map(parseRepositoryName);

test('every tag and name has a key that a file system takes, and comes back from it', () => {
  const longest = ['A'.repeat(128), 'Aa'.repeat(64), '_Z'.repeat(64)].map(parseTag);
  fc.assert(
    fc.property(fc.oneof(tag, fc.constantFrom(...longest)), (text: Tag) => {
      const key = keys.tag(parseRepositoryName('a'.repeat(255)), text);
      expect(isObjectKey(key)).toBe(true);
      expect(tagOfKey(key)).toBe(text);
    }),
  );
  const slashes = Array.from({ length: 128 }, () => 'a').join('/') as RepositoryName;
  fc.assert(
    fc.property(fc.oneof(repository, fc.constant(slashes)), (text: RepositoryName) => {
      const key = keys.name(text);
      expect(isObjectKey(key)).toBe(true);
      expect(repositoryOfKey(key)).toBe(text);
    }),
  );
});

test('tags that differ only in case have keys that differ on every file system', () => {
  const texts = ['A'.repeat(90), `a${'A'.repeat(89)}`, `${'A'.repeat(89)}a`, 'a'.repeat(90)];
  const found = texts.map((text) => keys.tag(name, parseTag(text)).toLowerCase());
  expect(new Set(found).size).toBe(texts.length);
});

test.each([`x:${'A'.repeat(254)}`, `${'a+'.repeat(120)}a:A`, `x:${'-'.repeat(254)}`])(
  'the digest %s, which nothing can be stored under, has keys all the same',
  (text) => {
    const digest: Digest = parseDigest(text);
    const long = parseRepositoryName('a'.repeat(255));
    for (const key of [
      keys.blob(digest),
      keys.membership(long, digest),
      keys.manifest(long, digest),
      keys.referrer(long, digest, sha512),
    ])
      expect({ key, isObjectKey: isObjectKey(key) }).toEqual({ key, isObjectKey: true });
    expect(keys.blob(digest)).not.toBe(keys.blob(parseDigest(`${text.slice(0, -1)}_`)));
  },
);

test('a key of content, or of a reference to it, tells the digest', () => {
  const found = [keys.blob(sha512), keys.membership(name, sha256), keys.manifest(name, sha512)];
  expect(found.map(digestOfKey)).toEqual([sha512, sha256, sha512]);
  for (const key of [keys.name(name), keys.tag(name, parseTag('1')), 'v1/blobs/sha256/ab'])
    expect(digestOfKey(key)).toBeUndefined();
});
