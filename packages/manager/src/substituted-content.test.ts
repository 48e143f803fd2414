import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { openCache } from '@oci/cache';
import { type RemoteRepository, type Registry, createRegistry } from '@oci/client';
import { copy } from '@oci/client/copy';
import { LayoutArchive, LayoutDirectory } from '@oci/client/layout';
import { type Descriptor, type Tag, parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  collect,
  image,
  imageIndex,
  kclPackage,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { importLayout } from './layout/index.js';
import { OciManager } from './manager.js';

const name = parseRepositoryName('team/tool');
const tag = parseTag('1.0.0');
const artifact = image();
const index = imageIndex();
const other = `sha256:${'f'.repeat(64)}`;

let registry: TestRegistry;
let client: Registry;
let repository: RemoteRepository;
let work: TemporaryDirectory;
let large: Descriptor;
let referrer: Descriptor;

beforeEach(async () => {
  registry = await startRegistry();
  client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  repository = client.repository(name);
  work = await temporaryDirectory();
  registry.putArtifact(name, '1.0.0', artifact);
  registry.putArtifact(name, 'index', index);
  large = registry.putBlob(name, randomBytes(1, 12 * 1024 * 1024));
  const subject = artifact.manifest.descriptor;
  referrer = registry.putArtifact(name, undefined, image({ subject }));
});
afterEach(async () => {
  await client.close();
  await registry.close();
  await work.remove();
});

/** Another document of the same size, under the same digest and headers. */
function substitute(body: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(body)
      .toString()
      .replace(/[0-9a-f]{64}/, 'f'.repeat(64)),
  );
}

function flip(body: Uint8Array): Uint8Array {
  return body.map((byte, at) => (at === body.length - 1 ? byte ^ 1 : byte));
}

function substituteManifests(path: string | RegExp = '/manifests/'): void {
  registry.fault({ method: 'GET', path, bodyTransform: substitute });
}

const layer = (): Descriptor => {
  const { descriptor } = artifact.blobs.at(-1) ?? artifact.manifest;
  return descriptor;
};

const fromRegistry: Record<string, () => Promise<unknown>> = {
  'a manifest by digest': () => {
    substituteManifests();
    return repository.fetchManifest(artifact.manifest.descriptor);
  },
  'a manifest by tag, of which a header tells the digest': () => {
    substituteManifests();
    return repository.fetch(tag);
  },
  'a descriptor by digest': () => {
    registry.fault({ path: '/manifests/', headers: { 'docker-content-digest': other } });
    return repository.resolve(artifact.manifest.descriptor.digest);
  },
  'a manifest of an index': async () => {
    const root = await repository.fetch(parseTag('index'));
    substituteManifests(/\/manifests\/sha256/);
    if (root.kind !== 'index') throw new Error('it is no index');
    const [child] = root.document.manifests;
    return repository.fetchManifest(child ?? root.descriptor);
  },
  'a referrer': async () => {
    substituteManifests(/\/manifests\/sha256/);
    const found: Descriptor[] = [];
    for await (const one of repository.listReferrers(artifact.manifest.descriptor)) found.push(one);
    expect(found).toMatchObject([{ digest: referrer.digest }]);
    return repository.fetchManifest(found[0] ?? referrer);
  },
  'a blob': async () => {
    registry.corruptBlob(layer().digest, flip);
    return collect(await repository.fetchBlob(layer()));
  },
  'a blob that is downloaded': () => {
    registry.corruptBlob(layer().digest, flip);
    return repository.downloadBlob(layer(), join(work.path, 'file'));
  },
  'a blob that is downloaded in parts': () => {
    registry.corruptBlob(large.digest, flip);
    return repository.downloadBlob(large, join(work.path, 'file'));
  },
  'a copy of manifests': () => {
    substituteManifests();
    return copyTo(join(work.path, 'layout'));
  },
  'a copy of blobs': () => {
    registry.corruptBlob(layer().digest, flip);
    return copyTo(join(work.path, 'layout'));
  },
  'a mirror and its registry': async () => {
    await using mirror = await startRegistry();
    mirror.putArtifact(name, '1.0.0', artifact);
    for (const one of [mirror, registry]) one.corruptBlob(layer().digest, flip);
    const mirrored = createRegistry({ url: registry.url, mirrors: [{ location: mirror.url }] });
    return collect(await mirrored.repository(name).fetchBlob(layer())).finally(() =>
      mirrored.close(),
    );
  },
  'a pull of a package': async () => {
    const { digest } = registry.putArtifact(
      'kcl/core',
      '1.0.0',
      kclPackage({ name: 'core', version: '1.0.0' }),
    );
    expect(digest).not.toBe(other);
    substituteManifests();
    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
    });
    return await manager.pullKclPackage('core', '1.0.0');
  },
};

async function copyTo(path: string, reference: Tag = tag): Promise<LayoutDirectory> {
  const layout = await LayoutDirectory.open(path, { create: true });
  const refName = `${registry.host}/${name}:1.0.0` as Tag;
  await copy({ repository, reference }, { repository: layout, tags: [refName] });
  return layout;
}

async function flipFile(path: string, part: Uint8Array): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.indexOf(part);
  bytes[at + part.length - 1] = (bytes[at + part.length - 1] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

const blobFile = (root: string, { digest }: Descriptor): string =>
  join(root, 'blobs', ...digest.split(':'));

const fromDisk: Record<string, () => Promise<unknown>> = {
  'a manifest of a layout': async () => {
    const layout = await copyTo(join(work.path, 'layout'));
    const { descriptor, bytes } = artifact.manifest;
    await flipFile(blobFile(layout.path, descriptor), bytes);
    return layout.fetchManifest(descriptor);
  },
  'a blob of a layout': async () => {
    const layout = await copyTo(join(work.path, 'layout'));
    const { bytes } = artifact.blobs.at(-1) ?? artifact.manifest;
    await flipFile(blobFile(layout.path, layer()), bytes);
    return collect(await layout.fetchBlob(layer()));
  },
  'a blob of an archive': async () => {
    const path = join(work.path, 'layout.tar');
    await using writing = await LayoutArchive.create(path);
    await copy({ repository, reference: tag }, { repository: writing, tags: [tag] });
    await writing.finish();
    const { bytes } = artifact.blobs.at(-1) ?? artifact.manifest;
    await flipFile(path, bytes);
    await using reading = await LayoutArchive.open(path);
    return await collect(await reading.fetchBlob(layer()));
  },
  'a layout that is imported into a cache': async () => {
    const layout = await copyTo(join(work.path, 'layout'));
    const { bytes } = artifact.blobs.at(-1) ?? artifact.manifest;
    await flipFile(blobFile(layout.path, layer()), bytes);
    return importLayout(await openCache(join(work.path, 'cache')), layout.path);
  },
  'a blob of a cache': () => changedCache(layer()),
  'a manifest of a cache': () => changedCache(artifact.manifest.descriptor),
};

async function changedCache(of: Descriptor): Promise<unknown> {
  const layout = await copyTo(join(work.path, 'layout'));
  const cache = await openCache(join(work.path, 'cache'));
  await importLayout(cache, layout.path);
  const path = blobFile(cache.dir, of);
  await flipFile(path, await readFile(path));
  const cached = cache.repository({ registry: client.host, repository: name });
  if (of.digest !== layer().digest) return cached.fetchManifest(of);
  return collect(await cached.fetchBlob(of));
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const files: string[] = [];
  for (const one of names) if ((await stat(join(directory, one))).isFile()) files.push(one);
  return files;
}

describe('content that is not what its digest says (CVE-2026-85747)', () => {
  it.each(Object.entries(fromRegistry))('is refused from a registry: %s', async (_, read) => {
    await expect(read()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await filesBelow(join(work.path, 'cache/kcl'))).toEqual([]);
    expect(await filesBelow(work.path)).not.toContain('file');
  });

  it.each(Object.entries(fromDisk))('is refused from the disk: %s', async (_, read) => {
    await expect(read()).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:DIGEST_MISMATCH|BLOB_UNKNOWN|MANIFEST_UNKNOWN)$/),
    });
  });
});
