import { expect, test } from 'vitest';

import { image } from '../artifact/image.js';
import { type RegistryOptions, type TestRegistry, startRegistry } from './test-registry.js';

const artifact = image();
const subject = artifact.manifest.descriptor;

async function withTags(options?: RegistryOptions): Promise<TestRegistry> {
  const registry = await startRegistry(options);
  for (const tag of ['c', 'a', 'B', 'd', 'e']) registry.putArtifact('team/app', tag, artifact);
  return registry;
}

/** The entries of each page, following `Link`. */
async function pages(registry: TestRegistry, path: string, member: string): Promise<unknown[]> {
  const all: unknown[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const response: Response = await fetch(new URL(next, registry.url));
    const body = (await response.json()) as Record<string, unknown>;
    all.push(body[member]);
    next = /^<([^>]*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
  }
  return all;
}

test('tags come in pages of what is asked for, or of what the registry allows', async () => {
  await using registry = await withTags({ pageSize: 3 });
  const path = '/v2/team/app/tags/list';
  expect(await pages(registry, path, 'tags')).toEqual([
    ['B', 'a', 'c'],
    ['d', 'e'],
  ]);
  expect(await pages(registry, `${path}?n=2`, 'tags')).toEqual([['B', 'a'], ['c', 'd'], ['e']]);
  expect(await pages(registry, `${path}?n=9&last=c`, 'tags')).toEqual([['d', 'e']]);
  expect(await pages(registry, `${path}?n=0`, 'tags')).toEqual([[]]);
  expect((await fetch(`${registry.url}${path}?n=x`)).status).toBe(400);
});

test('repositories come in pages, unless the registry has no catalog', async () => {
  await using registry = await withTags();
  registry.putBlob('other', new Uint8Array());
  expect(await pages(registry, '/v2/_catalog?n=1', 'repositories')).toEqual([
    ['other'],
    ['team/app'],
  ]);
  await using without = await startRegistry({ catalog: false });
  expect((await fetch(`${without.url}/v2/_catalog`)).status).toBe(404);
});

const signature = image({
  subject,
  artifactType: 'application/vnd.example.signature',
  annotations: { by: 'me' },
});
const sbom = image({ subject, artifactType: 'application/vnd.example.sbom' });
const referrersPath = `/v2/team/app/referrers/${subject.digest}`;

test('referrers come with type and annotations, filtered when asked for', async () => {
  await using registry = await withTags();
  registry.putArtifact('team/app', undefined, signature);
  registry.putArtifact('team/app', undefined, sbom);
  const all = await fetch(`${registry.url}${referrersPath}`);
  expect(all.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json');
  expect(((await all.json()) as { manifests: unknown[] }).manifests).toHaveLength(2);
  const some = await fetch(
    `${registry.url}${referrersPath}?artifactType=application/vnd.example.signature`,
  );
  expect(some.headers.get('oci-filters-applied')).toBe('artifactType');
  const { mediaType, digest, size } = signature.manifest.descriptor;
  const artifactType = 'application/vnd.example.signature';
  expect(await some.json()).toMatchObject({
    manifests: [{ mediaType, digest, size, artifactType, annotations: { by: 'me' } }],
  });
});

test('what nobody refers to has an empty list, and without the API there is none', async () => {
  await using registry = await startRegistry();
  expect(await (await fetch(`${registry.url}${referrersPath}`)).json()).toMatchObject({
    manifests: [],
  });
  await using old = await startRegistry({ referrers: false });
  expect((await fetch(`${old.url}${referrersPath}`)).status).toBe(404);
});

test('a manifest with a subject is acknowledged only by a registry with the API', async () => {
  for (const [referrers, acknowledged] of [
    [true, subject.digest],
    [false, null],
  ] as const) {
    await using registry = await startRegistry({ referrers });
    for (const { bytes } of sbom.blobs) registry.putBlob('team/app', bytes);
    const response = await fetch(`${registry.url}/v2/team/app/manifests/x`, {
      method: 'PUT',
      headers: { 'content-type': sbom.manifest.mediaType },
      body: sbom.manifest.bytes,
    });
    expect(response.status).toBe(201);
    expect(response.headers.get('oci-subject')).toBe(acknowledged);
  }
});
