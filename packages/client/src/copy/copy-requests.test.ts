import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { parseRepositoryName, parseTag, singleChunk } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type TestRegistry,
  blobBytes,
  bytesOf,
  image,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { LayoutDirectory } from '../layout/layout-directory.js';
import { MemoryRepository } from '../memory/memory-repository.js';
import { createRegistry } from '../registry.js';
import { copy } from './copy.js';

const tag = parseTag('1.0.0');
const name = parseRepositoryName('team/from');

function artifactOf(sizes: readonly number[]): ArtifactBytes {
  const base = image({ layers: [] });
  const layers = sizes.map((size, seed) =>
    blobBytes('application/octet-stream', randomBytes(seed, size)),
  );
  const document = { ...base.manifest.document, layers: layers.map((layer) => layer.descriptor) };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  return { manifest, blobs: [...base.blobs, ...layers], children: [] };
}

function requestsOf(registry: TestRegistry): readonly string[] {
  return registry.requests.map(
    ({ method, path }) => `${method} ${path.split('/').slice(4).join('/')}`,
  );
}

test('asks for the manifest once, by its tag, and for each blob once', async () => {
  await using registry = await startRegistry();
  const artifact = artifactOf([100, 200]);
  registry.putArtifact(name, '1.0.0', artifact);
  const client = createRegistry({ url: registry.url });
  const source = { repository: client.repository(name), reference: tag };
  await copy(source, { repository: new MemoryRepository() }, { referrers: 'ignore' });
  expect(requestsOf(registry).toSorted()).toEqual(
    [
      'GET manifests/1.0.0',
      ...artifact.blobs.map(({ descriptor }) => `GET blobs/${descriptor.digest}`),
    ].toSorted(),
  );
  await client.close();
});

test('asks the target for each blob once', async () => {
  await using registry = await startRegistry();
  const artifact = artifactOf([100, 200]);
  const source = new MemoryRepository();
  for (const { descriptor, bytes } of artifact.blobs)
    await source.pushBlob(descriptor, singleChunk(bytes));
  await source.pushManifest(artifact.manifest, { tag });
  const client = createRegistry({ url: registry.url });
  await copy({ repository: source, reference: tag }, { repository: client.repository(name) });
  const asked = requestsOf(registry).filter((line) => line.startsWith('HEAD blobs/'));
  expect(asked.toSorted()).toEqual(
    artifact.blobs.map(({ descriptor }) => `HEAD blobs/${descriptor.digest}`).toSorted(),
  );
  await client.close();
});

test('no blob waits for the look at what refers to the artifact', async () => {
  await using registry = await startRegistry();
  const artifact = artifactOf([100, 200]);
  registry.putArtifact(name, '1.0.0', artifact);
  let allCame = (): void => {};
  const delayUntil = new Promise<void>((resolve) => (allCame = resolve));
  registry.fault({ path: '/referrers/', delayUntil });
  const client = createRegistry({ url: registry.url });
  const target = new MemoryRepository();
  const done = new Set<string>();
  const result = await copy(
    { repository: client.repository(name), reference: tag },
    { repository: target },
    {
      onEvent: (event) => {
        if (event.type !== 'done') return;
        done.add(event.digest);
        // The manifest too.
        if (done.size === artifact.blobs.length + 1) allCame();
      },
    },
  );
  expect(result.left.referrers).toBe(0);
  await client.close();
});

test('what fails does not leave the look at referrers behind', async () => {
  await using registry = await startRegistry();
  const artifact = artifactOf([100]);
  registry.putArtifact(name, '1.0.0', artifact);
  for (const { descriptor } of artifact.blobs)
    registry.repositories.get(name)?.blobs.delete(descriptor.digest);
  let letGo = (): void => {};
  const delayUntil = new Promise<void>((resolve) => (letGo = resolve));
  registry.fault({ path: '/referrers/', delayUntil });
  const client = createRegistry({ url: registry.url });
  const source = { repository: client.repository(name), reference: tag };
  await expect(copy(source, { repository: new MemoryRepository() })).rejects.toMatchObject({
    code: 'BLOB_UNKNOWN',
  });
  expect(registry.requests.some(({ path }) => path.includes('/referrers/'))).toBe(true);
  letGo();
  // Whoever still waited for that answer would ask for what cosign keeps under tags next.
  await client.ping();
  await client.ping();
  expect(requestsOf(registry).filter((line) => line.endsWith('.sig'))).toEqual([]);
  await client.close();
});

test('a blob too small to be gone on with leaves nothing where it broke', async () => {
  await using registry = await startRegistry();
  await using directory = await temporaryDirectory();
  const artifact = artifactOf([1536 * 1024]);
  registry.putArtifact(name, '1.0.0', artifact);
  const digest = artifact.blobs.at(-1)?.descriptor.digest ?? '';
  const takeBack = registry.fault({ path: digest, destroyAfterBytes: 1024 * 1024 });
  const client = createRegistry({
    url: registry.url,
    retry: { attempts: 1, delay: async () => {} },
  });
  const layout = await LayoutDirectory.open(directory.path, { create: true });
  const source = { repository: client.repository(name), reference: tag };
  await expect(copy(source, { repository: layout }, { attempts: 1 })).rejects.toMatchObject({
    code: 'NETWORK',
    side: 'source',
  });
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
  takeBack();
  await copy(source, { repository: layout });
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
  expect((await layout.resolve(tag)).digest).toBe(artifact.manifest.descriptor.digest);
  await client.close();
});
