import {
  type Descriptor,
  type ResolvedManifest,
  type TransferEvent,
  mediaTypes,
  parseRepositoryName,
  referrersTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { type TestRegistry, bytesOf, image, startRegistry } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';

const name = parseRepositoryName('a/b');
const base = image();
const subject = base.manifest.descriptor;
const tag = referrersTag(subject.digest);
const tagPath = new RegExp(`/manifests/${tag}`);

let registry: TestRegistry;
let clients: readonly [Registry, Registry];

beforeEach(async () => {
  registry = await startRegistry({ referrers: false, checksManifests: false });
  const connect = (): Registry =>
    createRegistry({ url: registry.url, retry: { delay: async () => {}, attempts: 20 } });
  clients = [connect(), connect()];
});
afterEach(async () => {
  for (const client of clients) await client.close();
  await registry.close();
});

function referrer(mark: number): ResolvedManifest {
  const { mediaType, digest, size } = subject;
  const document = {
    ...base.manifest.document,
    artifactType: 'application/vnd.example.sbom',
    subject: { mediaType, digest, size },
    annotations: { mark: String(mark) },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

function listed(): readonly Descriptor[] {
  const repository = registry.repositories.get(name);
  const digest = repository?.tags.get(tag);
  const stored = digest && repository?.manifests.get(digest);
  if (!stored) return [];
  return (JSON.parse(new TextDecoder().decode(stored.bytes)) as { manifests: Descriptor[] })
    .manifests;
}

const digests = (found: readonly { digest: string }[]): string[] =>
  found.map(({ digest }) => digest).sort();
const push = (manifest: ResolvedManifest, at: 0 | 1 = 0): Promise<Descriptor> =>
  clients[at].repository(name).pushManifest(manifest);

test('a push adds the manifest, with its type and all its annotations, once', async () => {
  const manifest = referrer(1);
  await push(manifest);
  await push(manifest);
  expect(listed()).toEqual([
    {
      ...manifest.descriptor,
      artifactType: 'application/vnd.example.sbom',
      annotations: { mark: '1' },
    },
  ]);
});

test('a push that is told to leaves the list alone', async () => {
  await clients[0].repository(name).pushManifest(referrer(1), { referrersTag: false });
  expect(listed()).toEqual([]);
});

test('a registry that keeps the list itself is not helped', async () => {
  await using own = await startRegistry({ checksManifests: false });
  const client = createRegistry({ url: own.url });
  await client.repository(name).pushManifest(referrer(1));
  expect(own.requests.map(({ method }) => method)).toEqual(['PUT']);
  await client.close();
});

test('what others wrote into the list stays', async () => {
  const other = {
    mediaType: mediaTypes.imageManifest,
    digest: digestOf(bytesOf('other')),
    size: 5,
    annotations: { by: 'oras' },
  };
  registry.putManifest(
    name,
    tag,
    {
      schemaVersion: 2,
      mediaType: mediaTypes.imageIndex,
      manifests: [other],
      annotations: { 'org.example': 'kept' },
    },
    mediaTypes.imageIndex,
  );
  await push(referrer(1));
  expect(listed()).toHaveLength(2);
  expect(listed()[0]).toEqual(other);
  const digest = registry.repositories.get(name)?.tags.get(tag);
  const bytes = digest && registry.repositories.get(name)?.manifests.get(digest)?.bytes;
  expect(new TextDecoder().decode(bytes)).toContain('"org.example":"kept"');
});

test('none of many pushes at once is lost, of one process', async () => {
  const all = Array.from({ length: 8 }, (_, i) => referrer(i));
  await Promise.all(all.map((manifest) => push(manifest)));
  expect(digests(listed())).toEqual(digests(all.map(({ descriptor }) => descriptor)));
});

test('none is lost, of two writers that do not know each other, where writes have conditions', async () => {
  const all = Array.from({ length: 6 }, (_, i) => referrer(i));
  await Promise.all(all.map((manifest, i) => push(manifest, i % 2 ? 1 : 0)));
  expect(digests(listed())).toEqual(digests(all.map(({ descriptor }) => descriptor)));
});

test('an entry that another writer overwrote is written again', async () => {
  const [mine, theirs] = [referrer(1), referrer(2)];
  let release = (): void => {};
  const delayUntil = new Promise<void>((resolve) => (release = resolve));
  // The answer to the first reading is old by the time that it is used.
  registry.fault({ method: 'GET', path: tagPath, times: 1, delayUntil });
  const pushing = push(mine);
  await registry.nextRequest({ method: 'GET', path: tagPath });
  await push(theirs, 1);
  release();
  await pushing;
  expect(digests(listed())).toEqual(digests([mine.descriptor, theirs.descriptor]));
});

test.each([409, 412])(
  'a write that is refused with %i as too late is tried again',
  async (status) => {
    registry.fault({ method: 'PUT', path: tagPath, status, times: 2 });
    const events: TransferEvent[] = [];
    const onEvent = (event: TransferEvent): void => void events.push(event);
    await clients[0].repository(name).pushManifest(referrer(1), { onEvent });
    expect(listed()).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2);
  },
);

test('a list that never keeps the entry fails, and says that the manifest is stored', async () => {
  registry.fault({ method: 'PUT', path: tagPath, status: 201 });
  const manifest = referrer(1);
  await expect(push(manifest)).rejects.toMatchObject({
    code: 'PROTOCOL',
    hint: expect.stringContaining('The manifest itself is done'),
  });
  expect(registry.repositories.get(name)?.manifests.has(manifest.descriptor.digest)).toBe(true);
});

test('a tag that somebody uses for something else is left alone', async () => {
  registry.putManifest(name, tag, base.manifest.bytes, base.manifest.mediaType);
  await expect(push(referrer(1))).rejects.toMatchObject({ code: 'PROTOCOL' });
  expect(registry.repositories.get(name)?.tags.get(tag)).toBe(subject.digest);
});

test('a list that would be too large is refused', async () => {
  const manifests = Array.from({ length: 20 }, (_, i) => ({
    mediaType: mediaTypes.imageManifest,
    digest: digestOf(bytesOf(String(i))),
    size: 1,
    annotations: { long: 'x'.repeat(209_000) },
  }));
  const list = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests };
  registry.putManifest(name, tag, list, mediaTypes.imageIndex);
  const document = { ...referrer(1).document, annotations: { long: 'x'.repeat(50_000) } };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  await expect(push(manifest)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(listed()).toHaveLength(20);
});

test('deleting a manifest takes it out of the list, and leaves the others', async () => {
  const [gone, kept] = [referrer(1), referrer(2)];
  await push(gone);
  await push(kept);
  await clients[0].repository(name).deleteManifest(gone.descriptor);
  expect(digests(listed())).toEqual([kept.descriptor.digest]);
});

test('a push and a delete at once lose nothing', async () => {
  const [gone, kept, added] = [referrer(1), referrer(2), referrer(3)];
  await push(gone);
  await push(kept);
  await Promise.all([clients[0].repository(name).deleteManifest(gone.descriptor), push(added, 1)]);
  expect(digests(listed())).toEqual(digests([kept.descriptor, added.descriptor]));
});
