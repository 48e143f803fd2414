import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

import { createS3ObjectStore } from '@oci/cache/s3';
import { type ResolvedManifest, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type Versitygw,
  bytesOf,
  collect,
  inChunks,
  randomBytes,
  startVersitygw,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  type HostedRegistry,
  type HostedRegistryOptions,
  createHostedRegistry,
} from './hosted-registry.js';

const [a, b] = [parseRepositoryName('a'), parseRepositoryName('b')];
const [one, two] = [parseTag('1'), parseTag('2')];
const small = randomBytes(1, 1000);
const large = randomBytes(2, 20 * 1024 * 1024);

function manifestOf(content: Uint8Array, note: string): ResolvedManifest {
  const { imageManifest: mediaType } = mediaTypes;
  const layer = { mediaType: 'a/b', digest: digestOf(content), size: content.byteLength };
  const document = {
    schemaVersion: 2,
    mediaType,
    config: layer,
    layers: [],
    annotations: { note },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

describePeer('versitygw', 'requests to a bucket', () => {
  let gateway: Versitygw;
  let asked: { readonly what: string; readonly path: string }[] = [];
  const note = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    if (gateway.endpoint.endsWith(request.getHeader('host') as string))
      asked.push({
        what: request.path.includes('list-type') ? 'LIST' : request.method,
        path: request.path,
      });
  };
  beforeAll(async () => {
    gateway = await startVersitygw();
    subscribe('http.client.request.start', note);
  });
  afterAll(async () => {
    unsubscribe('http.client.request.start', note);
    await gateway.close();
  });

  /** Registries of one bucket, as processes that know nothing of each other. */
  async function registries(options?: HostedRegistryOptions): Promise<() => HostedRegistry> {
    const { endpoint, region, credentials } = gateway;
    const connection = { endpoint, region, credentials, pathStyle: true };
    const store = createS3ObjectStore({ bucket: await gateway.createBucket(), connection });
    return () => createHostedRegistry(store, options);
  }

  async function requestsOf(work: () => Promise<unknown>): Promise<string> {
    asked = [];
    await work();
    const methods = asked.map(({ what }) => what);
    return [...new Set(methods)]
      .sort((x, y) => (x < y ? -1 : 1))
      .map((method) => `${methods.filter((each) => each === method).length} ${method}`)
      .join(', ');
  }

  const put = (registry: HostedRegistry, content: Uint8Array, name = a) =>
    registry.uploads.put(
      { name, owner: 'me' },
      { digest: digestOf(content), body: inChunks(content, 100_000) },
    );

  async function pullBlob(registry: HostedRegistry, content: Uint8Array): Promise<void> {
    const blob = await registry.blobs.open(a, digestOf(content));
    await collect(blob?.body ?? []);
  }

  async function pullManifest(registry: HostedRegistry): Promise<void> {
    const found = await registry.manifests.find(a, { tag: one });
    if (found) await registry.manifests.readBytes(found);
  }

  test('are as many as docs/storage.md says', async () => {
    const create = await registries();
    const registry = create();
    const manifest = manifestOf(small, 'one');
    // Counts the sessions that are open, once.
    await put(registry, bytesOf('first'));
    const counts: Record<string, string> = {};
    const count = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      counts[what] = await requestsOf(work);
    };
    await count('push a blob of 1 kB', () => put(registry, small));
    await count('push a blob of 20 MiB', () => put(registry, large));
    await count('push it by POST, PATCH and PUT', async () => {
      const content = randomBytes(3, 1000);
      const session = await registry.uploads.begin(a, 'me');
      const use = { name: a, session };
      await registry.uploads.use(use, async (upload) => upload?.append(inChunks(content, 100)));
      await registry.uploads.use(use, async (upload) => upload?.commit(digestOf(content)));
    });
    await count('push it by POST and PUT', async () => {
      const content = randomBytes(4, 1000);
      const session = await registry.uploads.begin(a, 'me');
      await registry.uploads.use({ name: a, session }, async (upload) => {
        await upload?.append(inChunks(content, 100), { isLast: true });
        await upload?.commit(digestOf(content));
      });
    });
    await count('ask for a blob', () => registry.blobs.find(a, digestOf(small)));
    await count('mount a blob', () => registry.blobs.mount(b, digestOf(small), a));
    await count('push a manifest with a tag', () =>
      registry.manifests.put(a, manifest, { tags: [one] }),
    );
    await count('move the tag', () =>
      registry.manifests.put(a, manifestOf(small, 'two'), { tags: [one] }),
    );
    const other = create();
    await count('pull by tag, the first time', () => pullManifest(other));
    await count('pull by tag, again', () => pullManifest(other));
    await count('pull a blob, the first time', () => pullBlob(other, large));
    await count('pull a blob, again', () => pullBlob(other, large));
    await count('list tags', () => collectAll(registry.manifests.tags(a, { pageSize: 101 })));
    await count('a page of the catalog', () =>
      collectAll(registry.listRepositories({ pageSize: 101 })),
    );
    await registry.manifests.put(a, manifest, { tags: [two] });
    await count('delete a tag', () => registry.manifests.deleteTag(a, two));
    await count('delete a manifest', () =>
      registry.manifests.delete(a, manifest.descriptor.digest),
    );
    await count('delete a blob', () => registry.blobs.unlink(b, digestOf(small)));
    expect(counts).toEqual({
      'push a blob of 1 kB': '2 GET, 3 PUT',
      'push a blob of 20 MiB': '2 GET, 2 POST, 5 PUT',
      'push it by POST, PATCH and PUT': '1 DELETE, 3 GET, 3 HEAD, 6 PUT',
      'push it by POST and PUT': '1 DELETE, 3 GET, 1 HEAD, 4 PUT',
      'ask for a blob': '2 HEAD',
      'mount a blob': '2 GET, 4 HEAD, 1 PUT',
      'push a manifest with a tag': '5 GET, 4 HEAD, 6 PUT',
      'move the tag': '3 GET, 6 HEAD, 5 PUT',
      'pull by tag, the first time': '3 GET',
      'pull by tag, again': '1 HEAD',
      'pull a blob, the first time': '3 GET',
      'pull a blob, again': '1 GET, 2 HEAD',
      'list tags': '1 LIST',
      'a page of the catalog': '1 LIST',
      'delete a tag': '1 HEAD, 1 PUT',
      'delete a manifest': '1 DELETE, 2 GET, 6 HEAD, 3 LIST, 5 PUT',
      'delete a blob': '3 HEAD, 1 LIST, 1 PUT',
    });
  });

  test('of a collection are one for each content and two for each manifest beside those for lists', async () => {
    const create = await registries();
    const registry = create();
    const asked = async (): Promise<readonly [lists: number, gets: number]> => {
      const counts = await requestsOf(() => create().collection.collect({ dryRun: true }));
      const [, gets = 0, lists = 0] = /^(\d+) GET, (\d+) LIST$/.exec(counts) ?? [];
      return [Number(lists), Number(gets)];
    };
    await put(registry, small);
    const [lists, gets] = await asked();
    for (const text of ['one', 'two', 'three']) await put(registry, bytesOf(text));
    expect(await asked()).toEqual([lists, gets + 3]);
    expect([lists, gets]).toEqual([expect.any(Number), 1]);
    await registry.manifests.put(a, manifestOf(small, 'one'), { tags: [] });
    expect(await asked()).toEqual([lists + 1, gets + 6]);
  });

  test('are one more for each link that a quota counts, and fewer for several at once', async () => {
    const quotas = ['a', 'b'].map((namespace) => ({ namespace, maxBytes: 10 ** 9 }));
    const create = await registries({ quotas: { quotas } });
    const registry = create();
    const manifest = manifestOf(small, 'one');
    // Counts what there is, once.
    for (const name of [a, b]) await put(registry, bytesOf(`first of ${name}`), name);
    const counts: Record<string, string> = {};
    const count = async (what: string, work: () => Promise<unknown>): Promise<void> => {
      counts[what] = await requestsOf(work);
    };
    await count('push a blob of 1 kB', () => put(registry, small));
    await count('push it again', () => put(registry, small));
    await count('mount a blob', () => registry.blobs.mount(b, digestOf(small), a));
    await count('push a manifest with a tag', () =>
      registry.manifests.put(a, manifest, { tags: [one] }),
    );
    await count('delete a blob', () => registry.blobs.unlink(b, digestOf(small)));
    await count('delete a manifest and its tag', () =>
      registry.manifests.delete(a, manifest.descriptor.digest),
    );
    expect(counts).toEqual({
      'push a blob of 1 kB': '2 GET, 4 PUT',
      'push it again': '1 DELETE, 3 HEAD, 2 PUT',
      'mount a blob': '2 GET, 4 HEAD, 2 PUT',
      'push a manifest with a tag': '5 GET, 4 HEAD, 7 PUT',
      'delete a blob': '4 HEAD, 1 LIST, 2 PUT',
      'delete a manifest and its tag': '1 DELETE, 2 GET, 8 HEAD, 3 LIST, 7 PUT',
    });
    const contents = Array.from({ length: 20 }, (_, at) => randomBytes(100 + at, 1000));
    await requestsOf(() => Promise.all(contents.map((content) => put(registry, content))));
    const onQuota = asked.filter(({ path }) => path.includes('/v2/quotas/'));
    expect(onQuota.length).toBeLessThan(10);
  });
});

async function collectAll<T>(all: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of all) found.push(each);
  return found;
}
