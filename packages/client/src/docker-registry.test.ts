import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  collect,
  dockerRegistryCredential,
  inChunks,
  kclPackage,
  randomBytes,
  startDockerRegistry,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { expect, test } from 'vitest';

import { staticCredentials } from './credentials/credential.js';
import { createRegistry } from './registry.js';

const name = parseRepositoryName('kcl/demo');

describePeer('docker-registry', 'docker-registry with a password', () => {
  test('stores, lists and gives back what is pushed', async () => {
    await using registry = await startDockerRegistry({ auth: true });
    const credentials = staticCredentials(registry.host, {
      kind: 'password',
      ...dockerRegistryCredential,
    });
    const client = createRegistry({ url: registry.url, credentials });
    const repository = client.repository(name);
    const artifact = kclPackage({ name: 'demo', version: '1.0.0' });
    for (const { descriptor, bytes } of artifact.blobs) {
      await repository.pushBlob(descriptor, inChunks(bytes, 100));
    }
    const manifest = describeManifest(artifact.manifest.bytes, artifact.manifest.mediaType);
    for (const tag of ['1.0.0', 'latest']) {
      await repository.pushManifest(manifest, { tag: parseTag(tag) });
    }

    const tags: string[] = [];
    for await (const tag of repository.listTags()) tags.push(tag);
    expect(tags.sort()).toEqual(['1.0.0', 'latest']);
    const repositories: string[] = [];
    for await (const found of client.listRepositories()) repositories.push(found);
    expect(repositories).toEqual([name]);
    const resolved = await repository.resolve(parseTag('1.0.0'));
    expect(resolved).toEqual(manifest.descriptor);
    expect(await repository.fetchManifest(resolved)).toMatchObject({ descriptor: resolved });
    for (const { descriptor, bytes } of artifact.blobs) {
      expect(digestOf(await collect(await repository.fetchBlob(descriptor)))).toBe(digestOf(bytes));
    }
    await client.close();
  });

  test('gives back a blob of many pieces', async () => {
    await using registry = await startDockerRegistry();
    const client = createRegistry({ url: registry.url });
    const bytes = randomBytes(31, 3_000_000);
    const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };
    await client.repository(name).pushBlob(blob, inChunks(bytes, 65_536));
    expect(digestOf(await collect(await client.repository(name).fetchBlob(blob)))).toBe(
      blob.digest,
    );
    await client.close();
  });

  test('lets nobody in without the password', async () => {
    await using registry = await startDockerRegistry({ auth: true });
    const wrong = staticCredentials(registry.host, {
      kind: 'password',
      username: 'tester',
      password: 'wrong',
    });
    for (const credentials of [wrong, async () => undefined]) {
      const client = createRegistry({ url: registry.url, credentials });
      await expect(client.ping()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
      await client.close();
    }
  });
});
