import {
  type Descriptor,
  type ResolvedManifest,
  emptyDescriptor,
  mediaTypes,
  parseDigest,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { type Fault, bytesOf, kclPackage, startRegistry } from '@oci/testing';
import { describe, expect, test } from 'vitest';

import { createManifest } from '../manifest/new-manifest.js';
import { createRegistry } from '../registry.js';

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');

async function bench() {
  const registry = await startRegistry();
  const descriptor = registry.putArtifact(
    name,
    tag,
    kclPackage({ name: 'demo', version: '1.0.0' }),
  );
  const client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  const close = async (): Promise<void> => {
    await client.close();
    await registry.close();
  };
  return {
    registry,
    descriptor,
    repository: client.repository(name),
    fresh: client.repository('team/fresh'),
    [Symbol.asyncDispose]: close,
  };
}

const methods = (registry: { requests: readonly { method: string }[] }): string[] =>
  registry.requests.map(({ method }) => method);

test('resolves a tag and a digest by one HEAD', async () => {
  await using here = await bench();
  const { digest, mediaType, size } = here.descriptor;
  for (const reference of [tag, digest]) {
    expect(await here.repository.resolve(reference)).toEqual({ digest, mediaType, size });
  }
  expect(methods(here.registry)).toEqual(['HEAD', 'HEAD']);
  expect(here.registry.requests[0]?.headers.accept).toContain(mediaTypes.imageIndex);
});

test.each<[string, Partial<Fault>]>([
  ['is not allowed', { status: 405 }],
  ['is not implemented', { status: 501 }],
  ['tells no digest', { omitHeaders: ['docker-content-digest'] }],
  ['tells no length', { omitHeaders: ['content-length'] }],
  ['tells a broken digest', { headers: { 'docker-content-digest': 'sha256:../../etc' } }],
])('resolves by GET where HEAD %s', async (_, fault) => {
  await using here = await bench();
  here.registry.fault({ method: 'HEAD', path: '/manifests/', ...fault });
  for (const reference of [tag, here.descriptor.digest]) {
    expect(await here.repository.resolve(reference)).toMatchObject({
      digest: here.descriptor.digest,
      size: here.descriptor.size,
    });
  }
  expect(methods(here.registry)).toEqual(['HEAD', 'GET', 'HEAD', 'GET']);
});

test('a HEAD for a digest that answers for another is DIGEST_MISMATCH', async () => {
  await using here = await bench();
  const other = parseDigest(`sha256:${'0'.repeat(64)}`);
  here.registry.fault({ path: '/manifests/', headers: { 'docker-content-digest': other } });
  await expect(here.repository.resolve(here.descriptor.digest)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
});

test('an unknown tag is MANIFEST_UNKNOWN, and is not asked for again', async () => {
  await using here = await bench();
  await expect(here.repository.resolve(parseTag('9.9.9'))).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
  });
  await expect(here.repository.fetch(parseTag('9.9.9'))).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
  });
  expect(methods(here.registry)).toEqual(['HEAD', 'GET']);
});

test('the digest of a tag is computed, not believed', async () => {
  await using here = await bench();
  const { digest } = here.descriptor;
  expect((await here.repository.fetch(tag)).descriptor.digest).toBe(digest);
  here.registry.corruptBlob(digest, (bytes) => Buffer.concat([bytes, bytesOf(' ')]));
  await expect(here.repository.fetch(tag)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining(digest),
  });
});

test.each<[string, Partial<Fault>, string]>([
  ['is altered', { bodyTransform: (body) => Buffer.concat([body, bytesOf(' ')]) }, 'SIZE_MISMATCH'],
  ['has other bytes', { bodyTransform: (body) => body.map((byte) => byte ^ 1) }, 'DIGEST_MISMATCH'],
  [
    'is called something else',
    { headers: { 'content-type': mediaTypes.imageIndex } },
    'DOCUMENT_INVALID',
  ],
  ['is endless', { endless: true, omitHeaders: ['content-length'] }, 'LIMIT_EXCEEDED'],
])('a manifest that %s is not accepted', async (_, fault, code) => {
  await using here = await bench();
  here.registry.fault({ path: '/manifests/', ...fault });
  await expect(here.repository.fetchManifest(here.descriptor)).rejects.toMatchObject({ code });
});

test('a document that is image and index at once is refused (CVE-2021-41190)', async () => {
  await using here = await bench();
  const both = { schemaVersion: 2, config: here.descriptor, layers: [], manifests: [] };
  here.registry.putManifest(name, 'both', both, mediaTypes.imageManifest);
  await expect(here.repository.fetch(parseTag('both'))).rejects.toMatchObject({
    code: 'DOCUMENT_INVALID',
  });
});

test('a manifest of 4 MiB is read, and one byte more is not', async () => {
  await using here = await bench();
  const padded = (size: number): Uint8Array => {
    const start = `{"schemaVersion":2,"mediaType":"${mediaTypes.imageIndex}","manifests":[],"x":"`;
    return bytesOf(`${start}${'x'.repeat(size - start.length - 2)}"}`);
  };
  const limit = 4 * 1024 * 1024;
  here.registry.putManifest(name, 'full', padded(limit), mediaTypes.imageIndex);
  here.registry.putManifest(name, 'over', padded(limit + 1), mediaTypes.imageIndex);
  expect((await here.repository.fetch(parseTag('full'))).bytes.byteLength).toBe(limit);
  await expect(here.repository.fetch(parseTag('over'))).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
  });
});

function index(): ResolvedManifest {
  return describeManifest(
    bytesOf(`{ "schemaVersion": 2, "mediaType": "${mediaTypes.imageIndex}", "manifests": [] }`),
    mediaTypes.imageIndex,
  );
}

test('pushes a manifest as it is, under its digest and under a tag', async () => {
  await using here = await bench();
  const manifest = index();
  await here.repository.pushManifest(manifest);
  await here.repository.pushManifest(manifest, { tag: parseTag('new') });
  const [byDigest, byTag] = here.registry.requests;
  expect(byDigest?.path).toBe(`/v2/kcl/demo/manifests/${manifest.descriptor.digest}`);
  expect(byTag?.path).toBe('/v2/kcl/demo/manifests/new');
  expect(digestOf(byTag?.body ?? new Uint8Array())).toBe(manifest.descriptor.digest);
  expect(byTag?.headers['content-type']).toBe(mediaTypes.imageIndex);
});

test('a registry that stored something else is DIGEST_MISMATCH', async () => {
  await using here = await bench();
  const other = `sha256:${'0'.repeat(64)}`;
  here.registry.fault({
    method: 'PUT',
    path: '/manifests/',
    headers: { 'docker-content-digest': other },
  });
  await expect(here.repository.pushManifest(index())).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    hint: expect.any(String),
  });
});

test('a descriptor of another algorithm than the registry says is still verified', async () => {
  await using here = await bench();
  const { bytes } = await here.repository.fetch(tag);
  const descriptor: Descriptor = { ...here.descriptor, digest: digestOf(bytes, 'sha512') };
  here.registry.repositories.get(name)?.manifests.set(descriptor.digest, {
    bytes,
    mediaType: here.descriptor.mediaType,
  });
  expect((await here.repository.fetchManifest(descriptor)).bytes).toEqual(bytes);
});

test.each(['0', '1', '999999999999'])(
  'a length of %s in the answer to HEAD makes no good content bad',
  async (length) => {
    await using here = await bench();
    here.registry.fault({
      method: 'HEAD',
      path: '/manifests/',
      headers: { 'content-length': length },
    });
    const resolved = await here.repository.resolve(tag);
    const { digest, mediaType } = resolved;
    for (const descriptor of [resolved, { mediaType, digest, size: resolved.size }])
      expect((await here.repository.fetchManifest(descriptor)).descriptor).toEqual(here.descriptor);
  },
);

describe('a manifest with the empty config', () => {
  const errors = (error: object) => ({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN', ...error }] });
  const artifactType = 'application/vnd.example';

  test('is pushed without more ado, and its blob where the registry misses it', async () => {
    await using here = await bench();
    const layer = await here.fresh.pushBytes(bytesOf('x'));
    const manifest = createManifest({ artifactType, layers: [layer] });
    for (const version of ['1', '2']) await here.fresh.pushManifest(manifest, { tag: version });
    expect(await here.fresh.fetch('2')).toMatchObject({ descriptor: manifest.descriptor });
    expect(await here.fresh.hasBlob(emptyDescriptor)).toBe(true);
    const puts = here.registry.requests.filter(({ path }) => path.includes('/manifests/'));
    expect(puts.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'PUT', 'GET']);
  });

  test('is pushed where the registry does not say what it misses', async () => {
    await using here = await bench();
    const fault = { method: 'PUT', path: '/manifests/', status: 404, times: 1 } as const;
    here.registry.fault({ ...fault, body: errors({}) });
    await here.fresh.pushManifest(createManifest({ artifactType }));
    expect(await here.fresh.hasBlob(emptyDescriptor)).toBe(true);
  });

  test('fails once when another blob is missing, or when it is missing still', async () => {
    await using here = await bench();
    const digest = digestOf(bytesOf('elsewhere'));
    const layer = { mediaType: 'application/json', digest, size: 9 };
    await here.fresh.pushBytes(bytesOf('{}'));
    const lacking = createManifest({ artifactType, layers: [layer] });
    const pushing = here.fresh.pushManifest(lacking);
    await expect(pushing).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      message: expect.stringContaining(digest) as string,
    });
    const puts = (): number =>
      here.registry.requests.filter(
        ({ method, path }) => method === 'PUT' && path.includes('/manifests/'),
      ).length;
    expect(puts()).toBe(1);
    const { digest: empty } = emptyDescriptor;
    here.registry.fault({
      method: 'PUT',
      path: '/manifests/',
      status: 400,
      body: errors({ detail: { digest: empty } }),
    });
    await expect(here.fresh.pushManifest(createManifest({ artifactType }))).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
    });
    expect(puts()).toBe(3);
  });
});
