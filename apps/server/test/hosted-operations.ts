import type { ObjectStore } from '@oci/cache';
import { type ResolvedManifest, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, inChunks } from '@oci/testing';
import { expect } from 'vitest';

import { maxStagedMs } from '../src/hosted/content-index.js';
import type { HostedRegistry } from '../src/hosted/hosted-registry.js';
import { createHostedRegistry } from '../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../src/hosted/json-object.js';
import { keys } from '../src/hosted/keys.js';
import type { OpenUpload } from '../src/hosted/open-upload.js';
import { type KnownContent, leftoversOf } from './hosted-state.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const [one, two, three] = [parseTag('1'), parseTag('2'), parseTag('3')];
const blobs = {
  layer: bytesOf('layer'),
  shared: bytesOf('shared'),
  added: bytesOf('something new'),
};
const subject = digestOf(bytesOf('the subject'));

function imageOf(
  layer: Uint8Array,
  note: string,
  about: object = { subject: { mediaType: mediaTypes.imageManifest, digest: subject, size: 11 } },
): ResolvedManifest {
  const { imageManifest: mediaType } = mediaTypes;
  const of = (bytes: Uint8Array) => ({
    mediaType: 'a/b',
    digest: digestOf(bytes),
    size: bytes.byteLength,
  });
  const document = {
    schemaVersion: 2,
    mediaType,
    config: of(layer),
    layers: [],
    ...about,
    annotations: { note },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

const manifests = { first: imageOf(blobs.layer, 'first'), second: imageOf(blobs.layer, 'second') };
/** All that the operations store. */
export const known: KnownContent = { repositories: [a, b], blobs, manifests, subject };

const blobOf = (bytes: Uint8Array) => ({ digest: digestOf(bytes), body: inChunks(bytes, 4) });

/** What every operation finds: all of it was acknowledged. */
export async function fill(registry: HostedRegistry): Promise<void> {
  for (const bytes of [blobs.layer, blobs.shared])
    await registry.uploads.put({ name: a, owner: 'me' }, blobOf(bytes));
  await registry.blobs.mount(b, digestOf(blobs.shared), a);
  await registry.manifests.put(a, manifests.first, { tags: [one, two] });
}

async function uploadAtOnce({ uploads }: HostedRegistry): Promise<void> {
  const use = { name: a, session: await uploads.begin(a, 'me') };
  await uploads.use(use, async (open) => {
    await open?.append(inChunks(blobs.added, 3), { isLast: true });
    await commit(open);
  });
}

/** As the registry API does. */
async function commit(open: OpenUpload | undefined): Promise<void> {
  try {
    await open?.commit(digestOf(blobs.added));
  } catch (error) {
    await open?.cancel();
    throw error;
  }
}

async function upload(registry: HostedRegistry, pieces: number): Promise<void> {
  const use = { name: a, session: await registry.uploads.begin(a, 'me') };
  const step = Math.ceil(blobs.added.byteLength / pieces);
  for (let at = 0; at < blobs.added.byteLength; at += step)
    await registry.uploads.use(use, async (open) =>
      open?.append(inChunks(blobs.added.subarray(at, at + step), 3)),
    );
  await registry.uploads.use(use, commit);
}

/** A change of a registry, with what it needs to be there. */
export interface Operation {
  readonly prepare?: (registry: HostedRegistry, store: ObjectStore) => Promise<void>;
  readonly run: (registry: HostedRegistry) => Promise<unknown>;
}

/** A time at which all that was stored is old. */
const later = (): number => Date.now() + 2 * maxStagedMs + 1000;

/** Ends the uploads, and collects. @returns what is left all the same */
export async function collectAll(store: ObjectStore): Promise<readonly string[]> {
  const registry = createHostedRegistry(store, { collection: { objectsPerSecond: 0 } });
  await registry.expireUploads({ olderThanMs: -1 });
  await registry.collection.collect({ now: later() });
  return leftoversOf(store);
}

export const operations: Readonly<Record<string, Operation>> = {
  'a blob pushed by one request': {
    run: ({ uploads }) => uploads.put({ name: a, owner: 'me' }, blobOf(blobs.added)),
  },
  'a blob pushed that another repository has': {
    run: ({ uploads }) => uploads.put({ name: b, owner: 'me' }, blobOf(blobs.layer)),
  },
  'a blob pushed by POST, PATCH and PUT': { run: (registry) => upload(registry, 1) },
  'a blob pushed by POST and PUT': { run: uploadAtOnce },
  'a blob pushed in three pieces': { run: (registry) => upload(registry, 3) },
  'an upload cancelled': {
    run: async ({ uploads }) => {
      const use = { name: a, session: await uploads.begin(a, 'me') };
      await uploads.use(use, async (open) => open?.append(inChunks(blobs.added, 5)));
      await uploads.use(use, async (open) => open?.cancel());
    },
  },
  'a blob mounted': {
    run: async (registry) => {
      const isMounted = await registry.blobs.mount(b, digestOf(blobs.layer), a);
      expect(isMounted).toBe(true);
    },
  },
  'a manifest pushed with a new tag and one that moves': {
    run: (registry) => registry.manifests.put(a, manifests.second, { tags: [two, three] }),
  },
  'a manifest pushed to a new repository': {
    prepare: async (registry) => void (await registry.blobs.mount(b, digestOf(blobs.layer), a)),
    run: (registry) => registry.manifests.put(b, manifests.second, { tags: [one] }),
  },
  'a tag moved to a manifest that is there': {
    prepare: (registry) => registry.manifests.put(a, manifests.second, { tags: [three] }),
    run: (registry) => registry.manifests.put(a, manifests.second, { tags: [one] }),
  },
  'a tag deleted': { run: (registry) => registry.manifests.deleteTag(a, one) },
  'a manifest deleted with two tags': {
    run: (registry) => registry.manifests.delete(a, manifests.first.descriptor.digest),
  },
  'a blob deleted': { run: (registry) => registry.blobs.unlink(a, digestOf(blobs.layer)) },
  'a blob deleted that another repository has': {
    run: (registry) => registry.blobs.unlink(a, digestOf(blobs.shared)),
  },
  'uploads that expire': {
    prepare: async ({ uploads }) => {
      for (const _ of [1, 2]) {
        const use = { name: a, session: await uploads.begin(a, 'me') };
        await uploads.use(use, async (open) => open?.append(inChunks(blobs.added, 5)));
      }
    },
    run: (registry) => registry.expireUploads({ olderThanMs: -1 }),
  },
  'a collection': {
    prepare: async (registry, store) => {
      await registry.uploads.put({ name: b, owner: 'me' }, blobOf(blobs.added));
      await store.delete(keys.link(digestOf(blobs.added), b));
      await store.put(keys.data('0'.repeat(32)), bodyOf(blobs.added));
      await registry.blobs.mount(b, digestOf(blobs.layer), a);
      await registry.manifests.put(b, manifests.second, { tags: [] });
      await registry.manifests.delete(b, manifests.second.descriptor.digest);
      // What no manifest names goes in two collections, which `unnamed-links.test.ts` interrupts.
      for (const bytes of [blobs.shared, blobs.layer])
        for (const name of [a, b])
          await registry.manifests.put(name, imageOf(bytes, 'naming', {}), { tags: [] });
    },
    run: (registry) => registry.collection.collect({ now: later() }),
  },
};
