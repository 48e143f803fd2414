import { type TransferEvent, parseRepositoryName } from '@oci/spec-types';
import { startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createRegistry } from '../registry.js';
import type { ListOptions } from './listing.js';

const name = parseRepositoryName('a/b');

async function bench(tags: readonly string[] = ['1', '2', '3', '4', '5'], pageSize = 2) {
  const registry = await startRegistry({ pageSize });
  for (const tag of tags) {
    registry.putManifest(name, tag, { schemaVersion: 2, manifests: [] });
  }
  const client = createRegistry({
    url: registry.url,
    limits: { pages: 20 },
    retry: { attempts: 1 },
  });
  const events: TransferEvent[] = [];
  const list = async (): Promise<string[]> => {
    const found: string[] = [];
    const options = { onEvent: (event: TransferEvent) => events.push(event) };
    for await (const tag of client.repository(name).listTags(options)) found.push(tag);
    return found;
  };
  const close = async (): Promise<void> => {
    await client.close();
    await registry.close();
  };
  return { registry, client, list, events, [Symbol.asyncDispose]: close };
}

test('lists the tags of all pages, each page when it is wanted', async () => {
  await using here = await bench();
  expect(await here.list()).toEqual(['1', '2', '3', '4', '5']);
  expect(here.registry.requests).toHaveLength(3);
  here.registry.clearRequests();
  for await (const tag of here.client.repository(name).listTags()) {
    expect(tag).toBe('1');
    break;
  }
  expect(here.registry.requests).toHaveLength(1);
});

test('lists the repositories of the catalog', async () => {
  await using here = await bench();
  for (const other of ['c', 'd/e', 'f']) here.registry.putBlob(other, new Uint8Array());
  const found: string[] = [];
  for await (const repository of here.client.listRepositories()) found.push(repository);
  expect(found).toEqual(['a/b', 'c', 'd/e', 'f']);
});

test('a registry without a catalog is UNSUPPORTED', async () => {
  await using registry = await startRegistry({ catalog: false });
  const client = createRegistry({ url: registry.url });
  const listing = client.listRepositories()[Symbol.asyncIterator]();
  await expect(listing.next()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await client.close();
});

test('an unknown repository is NAME_UNKNOWN', async () => {
  await using registry = await startRegistry();
  const client = createRegistry({ url: registry.url });
  const listing = client.repository(name).listTags();
  await expect(listing.next()).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
  await client.close();
});

test('tags that are null are none', async () => {
  await using here = await bench();
  here.registry.fault({ path: '/tags/list', status: 200, body: { name, tags: null } });
  expect(await here.list()).toEqual([]);
});

test('what is no tag is left out with a warning', async () => {
  await using here = await bench();
  const tags = ['ok', '../../etc', '', 'x'.repeat(200)];
  here.registry.fault({ path: '/tags/list', status: 200, body: { name, tags } });
  expect(await here.list()).toEqual(['ok']);
  expect(here.events.map(({ type }) => type)).toEqual(['warning', 'warning', 'warning']);
});

test.each([{}, { tags: 'a' }, { tags: [1] }, 'no json', '[]', 'null'])(
  'an answer of %j is DOCUMENT_INVALID',
  async (body) => {
    await using here = await bench();
    here.registry.fault({ path: '/tags/list', status: 200, body });
    await expect(here.list()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  },
);

const link = (target: string) => ({ headers: { link: `<${target}>; rel="next"` } });

test('a next page at another host is refused (ggcr #2332)', async () => {
  await using here = await bench();
  await using elsewhere = await startRegistry();
  here.registry.fault({ path: '/tags/list', ...link(`${elsewhere.url}/v2/a/b/tags/list`) });
  await expect(here.list()).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
  expect(elsewhere.requests).toEqual([]);
});

test('a list that goes in a circle ends (GHSA-298f-872v-2rcx)', async () => {
  await using here = await bench();
  here.registry.fault({ path: '/tags/list', ...link('/v2/a/b/tags/list') });
  await expect(here.list()).rejects.toMatchObject({ code: 'PROTOCOL' });
});

test('a list without end ends (GHSA-298f-872v-2rcx)', async () => {
  await using here = await bench();
  let page = 0;
  const more = (): void => {
    page += 1;
    here.registry.fault({
      path: '/tags/list',
      times: 1,
      status: 200,
      body: { tags: [] },
      ...link(`/v2/a/b/tags/list?last=${page}`),
    });
  };
  for (let i = 0; i < 30; i++) more();
  await expect(here.list()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(here.registry.requests).toHaveLength(20);
});

test('a page without end ends (CVE-2017-11468)', async () => {
  await using here = await bench();
  here.registry.fault({ path: '/tags/list', endless: true, omitHeaders: ['content-length'] });
  await expect(here.list()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

test('a page size and a limit are asked for, and no page more than is wanted', async () => {
  await using here = await bench();
  const tagsOf = async (options: ListOptions): Promise<string[]> => {
    here.registry.clearRequests();
    const found: string[] = [];
    for await (const tag of here.client.repository(name).listTags(options)) found.push(tag);
    return found;
  };
  const sizes = (): (string | null)[] => here.registry.requests.map(({ query }) => query.get('n'));
  expect(await tagsOf({ limit: 3 })).toEqual(['1', '2', '3']);
  expect(sizes()[0]).toBe('3');
  await tagsOf({ limit: 5000 });
  expect(sizes()[0]).toBe('1000');
  expect(await tagsOf({ pageSize: 1, limit: 2 })).toEqual(['1', '2']);
  expect(sizes()).toEqual(['1', '1']);
  await expect(tagsOf({ limit: 0 })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(tagsOf({ pageSize: 1.5 })).rejects.toMatchObject({ code: 'USAGE' });
});

test('a later page that fails is told as one', async () => {
  await using here = await bench();
  here.registry.fault({ path: '/tags/list', skip: 1, status: 403 });
  await expect(here.list()).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('the next page of the list failed: ') as string,
  });
});
