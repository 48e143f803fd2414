import { createMemoryObjectStore } from '@oci/cache';
import type { Digest, RepositoryName } from '@oci/spec-types';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { bytes } from '../json-object.js';
import { digestOfContentKey, digestOfLinkKey, keys } from '../keys.js';
import { Records } from '../records.js';
import { contentWithLinks } from './unlinked-content.js';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('0', 'a', 'f'), minLength: length, maxLength: length });
const digest = fc.oneof(
  hex(64).map((text) => `sha256:${text}` as Digest),
  hex(128).map((text) => `sha512:${text}` as Digest),
);
const name = fc.constantFrom('a', 'a-b', 'a/b', 'a.b', 'zz').map((text) => text as RepositoryName);
const record = Buffer.from('{}');
const removed = Buffer.alloc(0);

test('finds for each content whether a repository has it, whatever records were removed', async () => {
  const property = fc.asyncProperty(
    fc.uniqueArray(digest, { maxLength: 12 }),
    fc.array(fc.record({ at: fc.nat(11), name, isThere: fc.boolean() }), { maxLength: 20 }),
    fc.array(fc.constantFrom('there', 'removed', 'missing'), { minLength: 12, maxLength: 12 }),
    async (digests, links, states) => {
      const store = createMemoryObjectStore();
      const linked = new Set<Digest>();
      for (const link of links) {
        const digest = digests[link.at];
        if (!digest) continue;
        const key = keys.link(digest, link.name);
        if (await store.head(key)) continue;
        if (link.isThere) linked.add(digest);
        await store.put(key, bytes(link.isThere ? record : removed));
      }
      const there = digests.filter((_, at) => states[at] === 'there');
      for (const [at, digest] of digests.entries())
        if (states[at] !== 'missing')
          await store.put(keys.content(digest), bytes(states[at] === 'there' ? record : removed));
      const found: [Digest | undefined, boolean][] = [];
      const dangling = new Set<Digest | undefined>();
      for await (const item of contentWithLinks(new Records(store), undefined))
        if ('link' in item) dangling.add(digestOfLinkKey(item.link.key));
        else found.push([digestOfContentKey(item.entry.key), item.isLinked]);
      const expected = there.toSorted().map((digest) => [digest, linked.has(digest)]);
      expect(found).toEqual(expected);
      expect(dangling).toEqual(new Set([...linked].filter((digest) => !there.includes(digest))));
    },
  );
  await fc.assert(property);
});
