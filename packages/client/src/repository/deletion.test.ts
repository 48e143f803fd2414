import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { type RegistryOptions, type TestRegistry, image, startRegistry } from '@oci/testing';
import { afterEach, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';
import type { RemoteRepository } from './remote-repository.js';

const name = parseRepositoryName('a/b');
const tag = parseTag('1.0.0');
const artifact = image();
const { descriptor } = artifact.manifest;
const layer = artifact.blobs[0]?.descriptor ?? descriptor;

let registry: TestRegistry;
let client: Registry;

async function begin(options: RegistryOptions = {}): Promise<RemoteRepository> {
  registry = await startRegistry(options);
  registry.putArtifact(name, tag, artifact);
  client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  return client.repository(name);
}
afterEach(async () => {
  await client.close();
  await registry.close();
});

test('a registry that deletes nothing says UNSUPPORTED, and how that is changed (CVE-2026-41888)', async () => {
  const repository = await begin({ deletes: false });
  await expect(repository.deleteManifest(descriptor)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hint: expect.stringContaining('REGISTRY_STORAGE_DELETE_ENABLED'),
  });
  await expect(repository.deleteTag(tag)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(repository.deleteBlob(layer)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  expect(registry.repositories.get(name)?.tags.get(tag)).toBe(descriptor.digest);
});

test('a registry that knows digests only says that it deletes no single tags', async () => {
  const repository = await begin();
  const body = { errors: [{ code: 'DIGEST_INVALID' }] };
  registry.fault({ method: 'DELETE', path: '/manifests/1.0.0', status: 400, body });
  await expect(repository.deleteTag(tag)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    message: expect.stringContaining('single tags'),
  });
});

test('a manifest is never deleted that is not the one that was meant', async () => {
  const repository = await begin();
  registry.corruptBlob(descriptor.digest, (bytes) => bytes.map((byte) => byte ^ 1));
  await expect(repository.deleteManifest(descriptor)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expect(registry.requests.map(({ method }) => method)).not.toContain('DELETE');
});

test('deletes a blob, and knows one that is not there', async () => {
  const repository = await begin();
  await repository.deleteBlob(layer);
  expect(await repository.hasBlob(layer)).toBe(false);
  await expect(repository.deleteBlob(layer)).rejects.toMatchObject({
    code: 'BLOB_UNKNOWN',
  });
});

test('a deletion whose answer got lost is one, though the next request finds nothing', async () => {
  const repository = await begin();
  const lost = { method: 'DELETE', times: 1, status: 503, handled: true } as const;
  registry.fault({ ...lost, path: '/blobs/' });
  await repository.deleteBlob(layer);
  registry.fault({ ...lost, path: '/manifests/' });
  await repository.deleteManifest(descriptor);
  expect(registry.requests.filter(({ method }) => method === 'DELETE')).toHaveLength(4);
  await expect(repository.deleteBlob(layer)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
});
