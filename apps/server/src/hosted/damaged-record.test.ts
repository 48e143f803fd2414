import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { type ResolvedManifest, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';

const name = parseRepositoryName('a');
const tag = parseTag('1');
const subject = { mediaType: mediaTypes.imageManifest, digest: digestOf(bytesOf('it')), size: 2 };

function referrer(note: string): ResolvedManifest {
  const { imageIndex: mediaType } = mediaTypes;
  const index = { schemaVersion: 2, mediaType, manifests: [], subject, annotations: { note } };
  return describeManifest(bytesOf(JSON.stringify(index)));
}

/** As a power cut may leave the files below a prefix. */
async function damage(store: ObjectStore, prefix: string, text: string): Promise<void> {
  for await (const key of store.list(prefix)) await store.put(key, bodyOf(bytesOf(text)));
}

const damages = [
  ['empty', ''],
  ['cut', '{"dig'],
  ['null', 'null'],
] as const;

async function digestsOf(entries: AsyncIterable<{ readonly digest: string }>): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of entries) digests.push(digest);
  return digests.sort();
}

test.each(damages)(
  'an %s record of a manifest or a tag counts as missing until the next push',
  async (_, text) => {
    const store = createMemoryObjectStore();
    const { manifests } = createHostedRegistry(store);
    const manifest = referrer('one');
    const { digest } = manifest.descriptor;
    await manifests.put(name, manifest, { tags: [tag] });
    await damage(store, 'v2/manifests/a/', text);
    await damage(store, 'v2/tags/a/', text);
    expect(await manifests.resolve(name, { tag })).toBeUndefined();
    expect(await manifests.resolve(name, { digest })).toBeUndefined();
    await manifests.put(name, manifest, { tags: [tag] });
    expect((await manifests.resolve(name, { tag }))?.digest).toBe(digest);
    expect((await manifests.resolve(name, { digest }))?.digest).toBe(digest);
  },
);

test.each(damages)('an %s entry hides no other one in a list of referrers', async (_, text) => {
  const store = createMemoryObjectStore();
  const { manifests } = createHostedRegistry(store);
  const [one, two] = [referrer('one'), referrer('two')];
  await manifests.put(name, one, { tags: [] });
  await damage(store, 'v2/referrers/a/', text);
  await manifests.put(name, two, { tags: [] });
  expect(await digestsOf(manifests.referrers(name, subject.digest))).toEqual([
    two.descriptor.digest,
  ]);
  await manifests.put(name, one, { tags: [] });
  expect(await digestsOf(manifests.referrers(name, subject.digest))).toHaveLength(2);
});

test.each(damages)('an %s upload keeps nobody from beginning another one', async (_, text) => {
  const store = createMemoryObjectStore();
  const session = await createHostedRegistry(store).uploads.begin(name, 'me');
  await damage(store, 'v2/uploads/', text);
  const { uploads } = createHostedRegistry(store);
  const isThere = await uploads.use({ name, session }, async (upload) => upload !== undefined);
  expect(isThere).toBe(false);
  expect(await uploads.begin(name, 'me')).not.toBe(session);
});
