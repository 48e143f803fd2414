import {
  type Descriptor,
  type OciError,
  type ResolvedManifest,
  type TransferEvent,
  emptyDescriptor,
  mediaTypes,
  parseRepositoryName,
  referrersTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type Fault,
  type RegistryOptions,
  type TestRegistry,
  bytesOf,
  image,
  startRegistry,
} from '@oci/testing';
import { afterEach, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';
import type { ReferrersOptions } from './referrers.js';

const name = parseRepositoryName('a/b');
const [signature, sbom] = ['application/vnd.example.signature', 'application/vnd.example.sbom'];
const base = image();
const subject = base.manifest.descriptor;
const tag = referrersTag(subject.digest);

let registry: TestRegistry;
let client: Registry;
const events: TransferEvent[] = [];

async function begin(options: RegistryOptions = {}): Promise<void> {
  registry = await startRegistry({ checksManifests: false, ...options });
  client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  events.length = 0;
}
afterEach(async () => {
  await client.close();
  await registry.close();
});

function referrer(mark: number, artifactType = signature): ResolvedManifest {
  const { mediaType, digest, size } = subject;
  const document = {
    ...base.manifest.document,
    artifactType,
    subject: { mediaType, digest, size },
    annotations: { mark: String(mark) },
  };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

async function list(options: ReferrersOptions = {}): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  const onEvent = (event: TransferEvent): void => void events.push(event);
  const referrers = client.repository(name).listReferrers(subject, { onEvent, ...options });
  for await (const each of referrers) found.push(each);
  return found;
}

const digests = (found: readonly { digest: string }[]): string[] =>
  found.map(({ digest }) => digest).sort();
const paths = (): string[] => registry.requests.map(({ path }) => path);

function putAll(count: number): readonly ResolvedManifest[] {
  const all = Array.from({ length: count }, (_, i) => referrer(i, i % 2 ? sbom : signature));
  for (const { bytes, mediaType } of all) registry.putManifest(name, undefined, bytes, mediaType);
  return all;
}

/** The list that a referrers tag holds, as anybody may have written it. */
function putTag(manifests: unknown, mediaType: string = mediaTypes.imageIndex): void {
  registry.putManifest(name, tag, { schemaVersion: 2, mediaType, manifests }, mediaType);
}

function entries(count: number): readonly Descriptor[] {
  return Array.from({ length: count }, (_, i) => ({
    mediaType: mediaTypes.imageManifest,
    digest: digestOf(bytesOf(String(i))),
    size: 1,
    artifactType: i % 2 ? sbom : signature,
  }));
}

test('follows the pages of the API, and each of them is asked with the filter', async () => {
  await begin({ pageSize: 2 });
  const all = putAll(7);
  expect(digests(await list())).toEqual(digests(all.map(({ descriptor }) => descriptor)));
  expect(paths()).toHaveLength(4);
  registry.clearRequests();
  expect(await list({ artifactType: sbom })).toHaveLength(3);
  expect(registry.requests.every(({ query }) => query.get('artifactType') === sbom)).toBe(true);
});

test('filters itself what a registry did not say that it filtered', async () => {
  await begin({ referrers: 'unfiltered', pageSize: 2 });
  putAll(7);
  expect(await list({ artifactType: sbom })).toHaveLength(3);
});

test('reads the tag where there is no API, and asks for the API once', async () => {
  await begin({ referrers: false });
  putTag(entries(4));
  expect(await list()).toEqual(entries(4));
  expect(await list({ artifactType: sbom })).toHaveLength(2);
  expect(paths().filter((path) => path.includes('/referrers/'))).toHaveLength(1);
});

test('a repository that is not there yet teaches nothing about the API', async () => {
  await begin();
  registry.fault({
    path: '/referrers/',
    times: 1,
    status: 404,
    body: { errors: [{ code: 'NAME_UNKNOWN' }] },
  });
  expect(await list()).toEqual([]);
  putAll(2);
  expect(await list()).toHaveLength(2);
});

test.each<[string, Partial<Fault>]>([
  ['405', { status: 405 }],
  ['a page for people', { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } }],
])('takes %s for no API', async (_, fault) => {
  await begin();
  registry.fault({ path: '/referrers/', ...fault });
  putTag(entries(2));
  expect(await list()).toHaveLength(2);
});

test('takes null, as old servers in Go say, for an empty list', async () => {
  await begin();
  const empty = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: null };
  const headers = { 'content-type': mediaTypes.imageIndex };
  registry.fault({ path: '/referrers/', status: 200, body: empty, headers });
  expect(await list()).toEqual([]);
});

test('a tag that holds something else is no list, and said so', async () => {
  await begin({ referrers: false });
  const { bytes, mediaType } = referrer(0, sbom);
  registry.putManifest(name, tag, bytes, mediaType);
  const unread: string[] = [];
  expect(await list({ onUnread: ({ code }) => unread.push(code) })).toEqual([]);
  expect(unread).toEqual(['DOCUMENT_INVALID']);
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'warning', message: expect.stringContaining('no list') }),
  );
});

test.each<[string, Partial<Fault>]>([
  ['that says nothing of the kind', { status: 200, body: { manifests: 'all' } }],
  ['that is no JSON', { status: 200, body: '{' }],
])('a list %s fails (CVE-2024-3727)', async (_, fault) => {
  await begin();
  const headers = { 'content-type': mediaTypes.imageIndex };
  registry.fault({ path: '/referrers/', headers, ...fault });
  await expect(list()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
});

test('an entry hides no other, whatever is wrong with it, and a digest that leads elsewhere is none (CVE-2024-3727)', async () => {
  await begin({ referrers: false });
  const good = entries(1);
  const [{ digest, mediaType } = subject] = entries(2).slice(1);
  putTag([
    ...good,
    ...(listOf('sha256:../../x') as { manifests: unknown[] }).manifests,
    { mediaType: 'no type', digest, size: 2 ** 53, annotations: { a: 1 } },
    null,
  ]);
  expect(await list()).toEqual([...good, { mediaType, digest, size: 0 }]);
  expect(events.map(({ type }) => type)).toEqual(['warning', 'warning']);
});

test('an API that redirects to a page elsewhere is none, and the page is not asked (artifacthub/hub#4785)', async () => {
  await begin();
  await using page = await startRegistry();
  const location = page.url.replace('127.0.0.1', 'localhost');
  registry.fault({ path: '/referrers/', status: 303, headers: { location } });
  putTag(entries(2));
  expect(await list()).toHaveLength(2);
  expect(paths().filter((path) => path.includes('/referrers/'))).toHaveLength(1);
  expect(page.requests).toEqual([]);
});

test.each([429, 503, 403])(
  'an API that answers %d leaves it to the tag, and without a tag nothing is known',
  async (status) => {
    await begin();
    registry.fault({ path: '/referrers/', status });
    await expect(list()).rejects.toMatchObject({ request: { status } });
    putTag(entries(2));
    expect(await list()).toHaveLength(2);
  },
);

test('a tag that is denied is taken for missing, and said to who wants to know (cosign #2973)', async () => {
  await begin({ referrers: false });
  registry.fault({ path: `/manifests/${tag}`, status: 403 });
  const unread: OciError[] = [];
  expect(await list({ onUnread: (error) => unread.push(error) })).toEqual([]);
  expect(unread).toMatchObject([{ code: 'DENIED' }]);
});

test('the subject under its own dash tag is no list (oras-project/oras#2148)', async () => {
  await begin({ referrers: false });
  registry.putManifest(name, tag, base.manifest.bytes, base.manifest.mediaType);
  expect(await list()).toEqual([]);
  expect(events).toEqual([]);
});

test.each([undefined, emptyDescriptor.mediaType])(
  'a list that names the type %s is looked into for one (cosign #4641)',
  async (artifactType) => {
    await begin({ referrers: false });
    const all = putAll(4);
    putTag(all.map(({ descriptor }) => ({ ...descriptor, artifactType })));
    const found = await list({ artifactType: sbom });
    expect(found).toHaveLength(2);
    expect(found.every((one) => one.artifactType === sbom)).toBe(true);
  },
);

test('what the registry says of a size is a hint: the digest decides', async () => {
  await begin({ referrers: false });
  const [one] = putAll(1);
  for (const size of [0, 1, 2 ** 53 - 1]) {
    putTag([{ ...one?.descriptor, size }]);
    const [listed = subject] = await list();
    expect(listed.size).toBe(size);
    const found = await client.repository(name).fetchManifest({ ...listed });
    expect(found.descriptor).toEqual(one?.descriptor);
  }
});

test.each([
  [404, /loses its list in the middle/],
  [403, /next page of the list failed/],
])('a later page that is answered with %d is a failure, and told as one', async (status, said) => {
  await begin({ pageSize: 2 });
  putAll(4);
  registry.fault({ path: '/referrers/', skip: 1, status });
  await expect(list()).rejects.toThrow(said);
});

test('a subject that the registry finds bad says nothing of the others', async () => {
  await begin();
  putAll(2);
  registry.fault({ path: '/referrers/', times: 1, status: 400 });
  expect(await list()).toEqual([]);
  expect(await list()).toHaveLength(2);
});

function listOf(digest: string): object {
  const { mediaType } = subject;
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [{ mediaType, digest, size: 1 }],
  };
}

test('more referrers than anybody can want are refused (CVE-2023-46737, CVE-2024-29902)', async () => {
  await begin({ referrers: false });
  putTag(entries(10_001));
  await expect(list()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});

test('pages without end, or in a circle, are refused (GHSA-298f-872v-2rcx)', async () => {
  await begin();
  const page = { status: 200, body: listOf(digestOf(bytesOf('x'))) };
  const type = { 'content-type': mediaTypes.imageIndex };
  registry.fault({
    path: '/referrers/',
    ...page,
    headers: { ...type, link: '<?last=1>; rel="next"' },
  });
  await expect(list()).rejects.toMatchObject({ code: 'PROTOCOL' });

  await client.close();
  client = createRegistry({ url: registry.url, limits: { pages: 10 } });
  let asked = 0;
  await using endless = await startRegistry();
  for (let i = 0; i < 20; i += 1) {
    const link = `<?last=${(asked += 1)}>; rel="next"`;
    endless.fault({ path: '/referrers/', ...page, headers: { ...type, link }, times: 1 });
  }
  const other = createRegistry({ url: endless.url, limits: { pages: 10 } });
  const all = other.repository(name).listReferrers(subject);
  await expect(drain(all)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  expect(endless.requests.length).toBeLessThanOrEqual(11);
  await other.close();
});

test('a next page elsewhere is refused (GHSA-h7vf-4x9w-h99v)', async () => {
  await begin();
  await using evil = await startRegistry();
  const headers = {
    'content-type': mediaTypes.imageIndex,
    link: `<${evil.url}/v2/a/b/referrers/x>; rel="next"`,
  };
  const body = listOf(digestOf(bytesOf('x')));
  registry.fault({ path: '/referrers/', status: 200, body, headers });
  await expect(list()).rejects.toMatchObject({ code: expect.stringMatching(/PROTOCOL|POLICY/) });
  expect(evil.requests).toEqual([]);
});

async function drain(all: AsyncIterable<unknown>): Promise<void> {
  const iterator = all[Symbol.asyncIterator]();
  while (!(await iterator.next()).done);
}
