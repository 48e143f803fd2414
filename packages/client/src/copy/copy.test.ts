import { readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  mediaTypes,
  parseDigest,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type TestRegistry,
  blobBytes,
  bytesOf,
  collect,
  compile,
  helmChart,
  image,
  imageIndex,
  inChunks,
  kclPackage,
  killAtOutput,
  randomBytes,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describe, expect, test } from 'vitest';

import { LayoutDirectory } from '../layout/layout-directory.js';
import { MemoryRepository } from '../memory/memory-repository.js';
import { createRegistry } from '../registry.js';
import type { RemoteRepository } from '../repository/remote-repository.js';
import type { CopyEvent } from './copy-event.js';
import { copy } from './copy.js';

const tag = parseTag('1.0.0');
const [from, to] = [parseRepositoryName('team/from'), parseRepositoryName('team/to')];
const signatureType = 'application/vnd.example.signature';

async function fill(
  repository: LayoutDirectory | MemoryRepository | RemoteRepository,
  artifact: ArtifactBytes,
  name?: string,
): Promise<void> {
  for (const child of artifact.children) await fill(repository, child);
  for (const { descriptor, bytes } of artifact.blobs)
    await repository.pushBlob(descriptor, inChunks(bytes));
  const named = name === undefined ? undefined : parseTag(name);
  await repository.pushManifest(artifact.manifest, { tag: named });
}

async function memoryOf(artifact: ArtifactBytes, name = '1.0.0'): Promise<MemoryRepository> {
  const repository = new MemoryRepository();
  await fill(repository, artifact, name);
  return repository;
}

/** Every manifest and blob of an artifact is there, byte for byte. */
async function expectWhole(
  repository: Pick<MemoryRepository, 'fetchManifest' | 'fetchBlob'>,
  artifact: ArtifactBytes,
): Promise<void> {
  const { descriptor, bytes } = artifact.manifest;
  const manifest = await repository.fetchManifest(descriptor);
  expect(Buffer.compare(manifest.bytes, bytes)).toBe(0);
  for (const blob of artifact.blobs) {
    const got = await collect(await repository.fetchBlob(blob.descriptor));
    expect(digestOf(got)).toBe(digestOf(blob.bytes));
  }
  for (const child of artifact.children) await expectWhole(repository, child);
}

function clientOf(
  registry: TestRegistry,
): ReturnType<typeof createRegistry> & { at: (name: RepositoryName) => RemoteRepository } {
  const client = createRegistry({ url: registry.url, retry: { delay: async () => {} } });
  return Object.assign(client, { at: (name: RepositoryName) => client.repository(name) });
}

describe('a whole artifact', () => {
  test.each([
    ['an image', image()],
    ['an image with Docker types', image({ docker: true })],
    ['an index', imageIndex()],
    ['a Docker manifest list', imageIndex({ docker: true })],
    ['a KCL package', kclPackage({ name: 'demo', version: '1.0.0' })],
    ['a Helm chart', helmChart({ name: 'demo', version: '1.0.0' })],
    [
      'an index of indexes',
      imageIndex({
        manifests: [{ artifact: imageIndex() }, { artifact: image() }, { artifact: imageIndex() }],
      }),
    ],
  ])(
    '%s goes from registry to layout to registry and stays what it is',
    async (_what, artifact) => {
      await using registry = await startRegistry();
      await using directory = await temporaryDirectory();
      registry.putArtifact(from, '1.0.0', artifact);
      const client = clientOf(registry);
      const layout = await LayoutDirectory.open(directory.path, { create: true });
      const { descriptor } = artifact.manifest;
      const pulled = await copy(
        { repository: client.at(from), reference: tag },
        { repository: layout },
      );
      expect(pulled).toMatchObject({ descriptor, tags: [tag] });
      await expectWhole(layout, artifact);
      const pushed = await copy(
        { repository: layout, reference: tag },
        { repository: client.at(to), tags: [parseTag('a'), parseTag('b')] },
      );
      expect(pushed.copied).toEqual(pulled.copied);
      await expectWhole(client.at(to), artifact);
      for (const name of ['a', 'b'])
        expect(await client.at(to).resolve(parseTag(name))).toEqual(descriptor);
      await client.close();
    },
  );

  test('is counted: what came, what was there', async () => {
    const artifact = image();
    const source = await memoryOf(artifact);
    const target = new MemoryRepository();
    const [first, ...rest] = artifact.blobs;
    if (first) await target.pushBlob(first.descriptor, inChunks(first.bytes));
    const { copied, skipped, mounted } = await copy(
      { repository: source, reference: tag },
      { repository: target },
    );
    const bytes = rest.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    const manifestBytes = artifact.manifest.bytes.byteLength;
    expect(copied).toEqual({ manifests: 1, blobs: rest.length, bytes: bytes + manifestBytes });
    expect(skipped).toEqual({ manifests: 0, blobs: 1, bytes: first?.bytes.byteLength });
    expect(mounted).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
    const again = await copy({ repository: source, reference: tag }, { repository: target });
    expect(again.copied).toEqual({ manifests: 0, blobs: 0, bytes: 0 });
    expect(again.skipped).toMatchObject({ manifests: 1, blobs: artifact.blobs.length });
  });

  test('that was asked for by its digest gets no name', async () => {
    const artifact = imageIndex();
    const source = await memoryOf(artifact);
    const target = new MemoryRepository();
    const reference = artifact.manifest.descriptor.digest;
    await copy({ repository: source, reference }, { repository: target });
    expect(await target.resolve(reference)).toEqual(artifact.manifest.descriptor);
    expect((await target.entries()).map(({ digest }) => digest)).toEqual([reference]);
  });

  test('comes with content that its descriptor carries, though the source lacks it', async () => {
    const artifact = kclPackage({ name: 'demo', version: '1.0.0' });
    const source = new MemoryRepository();
    const empty = artifact.blobs.find(({ bytes }) => bytes.byteLength === 2);
    for (const { descriptor, bytes } of artifact.blobs) {
      if (bytes !== empty?.bytes) await source.pushBlob(descriptor, inChunks(bytes));
    }
    await source.pushManifest(artifact.manifest, { tag });
    const target = new MemoryRepository();
    await copy({ repository: source, reference: tag }, { repository: target });
    await expectWhole(target, artifact);
  });

  test('has its events in order: the plan, each blob, the manifest', async () => {
    const artifact = image({ layers: [{ a: 'a' }] });
    const source = await memoryOf(artifact);
    const events: CopyEvent[] = [];
    const operation = copy(
      { repository: source, reference: tag },
      { repository: new MemoryRepository() },
      { concurrency: 1 },
    );
    for await (const event of operation) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      'resolve',
      'plan',
      'start',
      'bytes',
      'done',
      'start',
      'bytes',
      'done',
      'done',
    ]);
    expect(events[1]).toMatchObject({ manifests: 1, blobs: 2 });
  });
});

describe('what the target has', () => {
  test('is not asked of the source', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact(from, '1.0.0', artifact);
    const client = clientOf(registry);
    const target = new MemoryRepository();
    for (const { descriptor, bytes } of artifact.blobs)
      await target.pushBlob(descriptor, inChunks(bytes));
    await copy({ repository: client.at(from), reference: tag }, { repository: target });
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    await client.close();
  });

  test('heals where a child of a manifest that is there was lost', async () => {
    await using registry = await startRegistry();
    const artifact = imageIndex();
    const source = await memoryOf(artifact);
    registry.putArtifact(to, '1.0.0', artifact);
    const content = registry.repositories.get(to);
    const [lost] = artifact.children;
    for (const { descriptor } of lost?.blobs ?? []) content?.blobs.delete(descriptor.digest);
    if (lost) content?.manifests.delete(lost.manifest.descriptor.digest);
    const client = clientOf(registry);
    const result = await copy(
      { repository: source, reference: tag },
      { repository: client.at(to) },
    );
    expect(result.copied).toMatchObject({ manifests: 1, blobs: lost?.blobs.length });
    expect(result.skipped.manifests).toBe(2);
    await expectWhole(client.at(to), artifact);
    await client.close();
  });

  test('heals what is collected as garbage while it is copied', async () => {
    await using registry = await startRegistry();
    const artifact = imageIndex();
    const source = await memoryOf(artifact);
    const client = clientOf(registry);
    const repository = client.at(to);
    const [first] = artifact.children;
    let isLost = false;
    const target = {
      hasBlob: repository.hasBlob.bind(repository),
      pushBlob: repository.pushBlob.bind(repository),
      resolve: repository.resolve.bind(repository),
      pushManifest: async (...args: Parameters<RemoteRepository['pushManifest']>) => {
        if (args[0].kind === 'index' && !isLost && first) {
          isLost = true;
          registry.repositories.get(to)?.manifests.delete(first.manifest.descriptor.digest);
          for (const { descriptor } of first.blobs)
            registry.repositories.get(to)?.blobs.delete(descriptor.digest);
        }
        return repository.pushManifest(...args);
      },
    };
    const warnings: string[] = [];
    await copy(
      { repository: source, reference: tag },
      { repository: target },
      { onEvent: (event) => event.type === 'warning' && warnings.push(event.message) },
    );
    expect(warnings).toHaveLength(2);
    await expectWhole(repository, artifact);
    await client.close();
  });

  test('keeps its name untouched when that is right already', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact(to, '1.0.0', artifact);
    const client = clientOf(registry);
    const source = await memoryOf(artifact);
    await copy({ repository: source, reference: tag }, { repository: client.at(to) });
    expect(registry.requests.filter(({ method }) => method === 'PUT')).toEqual([]);
    await client.close();
  });
});

describe('between repositories of one registry', () => {
  test('blobs are mounted, and no byte of them is read', async () => {
    await using registry = await startRegistry();
    const artifact = imageIndex();
    registry.putArtifact(from, '1.0.0', artifact);
    const client = clientOf(registry);
    const { mounted, copied } = await copy(
      { repository: client.at(from), reference: tag },
      { repository: client.at(to) },
    );
    const blobs = artifact.children.flatMap((child) => child.blobs);
    expect(mounted.blobs).toBe(new Set(blobs.map(({ descriptor }) => descriptor.digest)).size);
    expect(copied).toMatchObject({ manifests: 3, blobs: 0 });
    expect(
      registry.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/')),
    ).toEqual([]);
    await expectWhole(client.at(to), artifact);
    await client.close();
  });

  test('where nothing is mounted, all is uploaded, and it is asked for once', async () => {
    await using registry = await startRegistry({ mounts: false });
    const artifact = image();
    registry.putArtifact(from, '1.0.0', artifact);
    const client = clientOf(registry);
    const { mounted } = await copy(
      { repository: client.at(from), reference: tag },
      { repository: client.at(to) },
      { concurrency: 1 },
    );
    expect(mounted.blobs).toBe(0);
    expect(registry.requests.filter(({ query }) => query.has('mount'))).toHaveLength(1);
    expect(registry.openUploads).toBe(0);
    await expectWhole(client.at(to), artifact);
    await client.close();
  });
});

describe('platforms', () => {
  const platforms = ['amd64', 'arm64'].map((architecture) => ({ os: 'linux', architecture }));
  const [amd64, arm64] = platforms;

  test('one of an index comes alone, under the name', async () => {
    const index = imageIndex();
    const source = await memoryOf(index);
    const target = new MemoryRepository();
    const result = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { platform: arm64 },
    );
    const chosen = index.children[1];
    expect(result.descriptor).toEqual(chosen?.manifest.descriptor);
    expect(await target.resolve(tag)).toEqual(chosen?.manifest.descriptor);
    expect(result.copied.manifests).toBe(1);
  });

  test('one that is not offered is named, with those that are', async () => {
    const source = await memoryOf(imageIndex());
    const copying = copy(
      { repository: source, reference: tag },
      { repository: new MemoryRepository() },
      { platform: { os: 'linux', architecture: 'riscv64' } },
    );
    await expect(copying).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      hint: 'It offers linux/amd64, linux/arm64.',
      side: 'source',
    });
  });

  test('an image for another one is not taken for it', async () => {
    const source = await memoryOf(image({ architecture: 'amd64' }));
    const target = new MemoryRepository();
    const asked = (platform = amd64) =>
      copy({ repository: source, reference: tag }, { repository: target }, { platform });
    await asked();
    await expect(asked(arm64)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  test('several of an index come in the index as it is, with their attestations', async () => {
    const [one, two, attestation] = [
      image({ architecture: 'amd64' }),
      image({ architecture: 's390x' }),
      image({ architecture: 'unknown', os: 'unknown' }),
    ];
    const manifests = [
      { ...one.manifest.descriptor, platform: amd64 },
      { ...two.manifest.descriptor, platform: { os: 'linux', architecture: 's390x' } },
      {
        ...attestation.manifest.descriptor,
        platform: { os: 'unknown', architecture: 'unknown' },
        annotations: { 'vnd.docker.reference.digest': one.manifest.descriptor.digest },
      },
    ];
    const document = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests };
    const manifest = describeManifest(bytesOf(JSON.stringify(document)));
    const index = { manifest, blobs: [], children: [one, two, attestation] };
    const source = await memoryOf(index);
    const target = new MemoryRepository();
    const result = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { platforms: [amd64].filter((platform) => platform !== undefined) },
    );
    expect(result).toMatchObject({ descriptor: manifest.descriptor, left: { platforms: 1 } });
    await expectWhole(target, one);
    await expectWhole(target, attestation);
    await expect(target.resolve(two.manifest.descriptor.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
  });

  test('several of an index are refused where the registry wants all, and that is said', async () => {
    await using registry = await startRegistry();
    const client = clientOf(registry);
    const copying = copy(
      { repository: await memoryOf(imageIndex()), reference: tag },
      { repository: client.at(to) },
      { platforms: [{ os: 'linux', architecture: 'amd64' }] },
    );
    await expect(copying).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      side: 'destination',
      hint: 'Copy all platforms, or a single one.',
    });
    await client.close();
  });
});

describe('referrers', () => {
  /** A subject, its signature, and a signature of that. */
  function signed(): readonly [ArtifactBytes, ArtifactBytes, ArtifactBytes] {
    const subject = imageIndex();
    const about = (descriptor: Descriptor, mark: string): ArtifactBytes =>
      image({ artifactType: signatureType, subject: descriptor, annotations: { mark } });
    const signature = about(subject.manifest.descriptor, '1');
    return [subject, signature, about(signature.manifest.descriptor, '2')];
  }

  test.each([true, false])(
    'come along when they are asked for, and those of referrers too (API: %s)',
    async (referrers) => {
      await using registry = await startRegistry({ referrers });
      const client = clientOf(registry);
      const artifacts = signed();
      for (const artifact of artifacts) await fill(client.at(from), artifact);
      const reference = artifacts[0].manifest.descriptor.digest;
      const target = client.at(to);
      const result = await copy(
        { repository: client.at(from), reference },
        { repository: target, tags: [tag] },
        { referrers: true },
      );
      expect(result).toMatchObject({ referrers: 2, left: { referrers: 0 } });
      for (const artifact of artifacts) await expectWhole(target, artifact);
      const listed: Digest[] = [];
      for await (const { digest } of target.listReferrers({ digest: reference }))
        listed.push(digest);
      expect(listed).toEqual([artifacts[1].manifest.descriptor.digest]);
      const puts = registry.requests.filter(
        ({ method, path }) => method === 'PUT' && path.startsWith(`/v2/${to}/manifests/`),
      );
      expect(puts.at(-1)?.path).toBe(`/v2/${to}/manifests/${tag}`);
      await client.close();
    },
  );

  test('stay where they are when a tag is copied within its repository: no warning', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact('team/app', '1', artifact);
    const { mediaType, digest, size } = artifact.manifest.descriptor;
    const document = { ...artifact.manifest.document, subject: { mediaType, digest, size } };
    registry.putManifest('team/app', undefined, document, mediaType);
    const client = createRegistry({ url: registry.url });
    const open = () => client.repository(parseRepositoryName('team/app'));
    const warnings: unknown[] = [];
    const copying = copy(
      { repository: open(), reference: parseTag('1') },
      { repository: open(), tags: [parseTag('2')] },
    );
    copying.on((event) => event.type === 'warning' && warnings.push(event));
    expect((await copying).left.referrers).toBe(0);
    expect(warnings).toEqual([]);
    expect(registry.requests.some(({ path }) => path.includes('/referrers/'))).toBe(false);
    await client.close();
  });

  test('stay where they are when a layout is copied to another tag of itself, by whichever path', async () => {
    await using work = await temporaryDirectory();
    const layout = await LayoutDirectory.open(join(work.path, 'layout'), { create: true });
    const [subject, signature] = signed();
    await fill(layout, subject, '1.0.0');
    await fill(layout, signature);
    await symlink('layout', join(work.path, 'alias'));
    const same = await LayoutDirectory.open(join(work.path, 'alias'));
    const other = await LayoutDirectory.open(join(work.path, 'other'), { create: true });
    const warnings: string[] = [];
    const onEvent = (event: CopyEvent) => event.type === 'warning' && warnings.push(event.message);
    const source = { repository: layout, reference: tag };
    const tags = [parseTag('latest')];
    const renamed = await copy(source, { repository: same, tags }, { onEvent });
    expect(renamed).toMatchObject({ tags, left: { referrers: 0 } });
    expect(warnings).toEqual([]);
    expect((await copy(source, { repository: other, tags }, { onEvent })).left.referrers).toBe(1);
  });

  test('that are left behind are warned of, and counted', async () => {
    const [subject, signature, other] = signed();
    const source = await memoryOf(subject);
    await fill(source, signature);
    await fill(source, other);
    const warnings: string[] = [];
    const target = new MemoryRepository();
    const result = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { onEvent: (event) => event.type === 'warning' && warnings.push(event.message) },
    );
    expect(result).toMatchObject({ referrers: 0, left: { referrers: 1 } });
    expect(warnings).toEqual([
      '1 referrer is not copied, such as signatures and SBOMs: ask for referrers to bring them',
    ]);
    const ignoring = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { referrers: 'ignore' },
    );
    expect(ignoring.left.referrers).toBe(0);
  });

  test('that cosign keeps under tags come along under theirs, also of the images in an index', async () => {
    const index = imageIndex();
    const source = await memoryOf(index);
    const subjects = [index, ...index.children].map(({ manifest }) => manifest.descriptor.digest);
    const tags = subjects.flatMap((digest, at) =>
      ['sig', 'att', 'sbom'].slice(0, at + 1).map((kind) => `${digest.replace(':', '-')}.${kind}`),
    );
    for (const name of tags)
      await fill(source, image({ layers: [{ signature: name }], architecture: name }), name);
    const target = new MemoryRepository();
    const result = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { referrers: true },
    );
    expect(result.referrers).toBe(6);
    const listed: string[] = [];
    for await (const name of target.listTags()) listed.push(name);
    expect(listed.sort()).toEqual([...tags, tag].sort());
  });

  test('replace other signatures of the target under the same tag, and that is said', async () => {
    const artifact = image();
    const name = `${artifact.manifest.descriptor.digest.replace(':', '-')}.sig`;
    const [ours, theirs] = [image({ architecture: 'ours' }), image({ architecture: 'theirs' })];
    const source = await memoryOf(artifact);
    await fill(source, theirs, name);
    const target = await memoryOf(artifact);
    await fill(target, ours, name);
    const warnings: string[] = [];
    await copy(
      { repository: source, reference: tag },
      { repository: target },
      {
        referrers: true,
        onEvent: (event) => event.type === 'warning' && warnings.push(event.message),
      },
    );
    expect(await target.resolve(parseTag(name))).toEqual(theirs.manifest.descriptor);
    expect(warnings).toEqual([expect.stringContaining(ours.manifest.descriptor.digest)]);
  });
});

describe('layers that may not be distributed', () => {
  const foreign = blobBytes(mediaTypes.nondistributableLayerTarGzip, randomBytes(3, 300));
  const urls = ['https://example.com/layer'];
  const base = image({ layers: [{ a: 'a' }] });
  const document = {
    ...base.manifest.document,
    layers: [{ ...foreign.descriptor, urls }],
  };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  const artifact = { manifest, blobs: [...base.blobs.slice(0, 1), foreign], children: [] };

  test('stay where they are, unless they are asked for', async () => {
    const source = await memoryOf(artifact);
    const target = new MemoryRepository();
    const left = await copy({ repository: source, reference: tag }, { repository: target });
    expect(left.left.foreignLayers).toBe(1);
    expect(await target.hasBlob(foreign.descriptor)).toBe(false);
    const all = await copy(
      { repository: source, reference: tag },
      { repository: target },
      { foreignLayers: 'copy' },
    );
    expect(all.left.foreignLayers).toBe(0);
    expect(await target.hasBlob(foreign.descriptor)).toBe(true);
  });
});

describe('what fails says where', () => {
  test('a blob that the source lost', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact(from, '1.0.0', artifact);
    const lost = artifact.blobs[1]?.descriptor.digest;
    if (lost) registry.repositories.get(from)?.blobs.delete(lost);
    await using other = await startRegistry();
    const [client, otherClient] = [clientOf(registry), clientOf(other)];
    for (const repository of [new MemoryRepository(), otherClient.at(to)]) {
      const copying = copy({ repository: client.at(from), reference: tag }, { repository });
      await expect(copying).rejects.toMatchObject({ code: 'BLOB_UNKNOWN', side: 'source' });
      await expect(repository.resolve(tag)).rejects.toMatchObject({
        code: expect.stringMatching(/UNKNOWN/),
      });
    }
    await client.close();
    await otherClient.close();
  });

  test('a blob that the source altered', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact(from, '1.0.0', artifact);
    const altered = artifact.blobs[1]?.descriptor.digest;
    if (altered) registry.corruptBlob(altered, (bytes) => bytes.fill(7, 0, 1));
    const client = clientOf(registry);
    const target = new MemoryRepository();
    const copying = copy({ repository: client.at(from), reference: tag }, { repository: target });
    await expect(copying).rejects.toMatchObject({ code: 'DIGEST_MISMATCH', side: 'source' });
    await client.close();
  });

  test('a failure of the source that the target tells in its own words', async () => {
    const artifact = image();
    const source = await memoryOf(artifact);
    const memory = new MemoryRepository();
    const broken = new OciError('NETWORK', 'the source broke');
    const breaking = Object.assign(Object.create(source) as MemoryRepository, {
      resolve: source.resolve.bind(source),
      fetchManifest: source.fetchManifest.bind(source),
      fetchBlob: async () => {
        throw broken;
      },
    });
    const target = {
      resolve: memory.resolve.bind(memory),
      hasBlob: memory.hasBlob.bind(memory),
      pushManifest: memory.pushManifest.bind(memory),
      pushBlob: async (...args: Parameters<MemoryRepository['pushBlob']>) => {
        await memory.pushBlob(...args).catch((cause: unknown) => {
          throw new OciError('STORAGE_FAILED', 'the body could not be read', { cause });
        });
      },
    };
    const copying = copy({ repository: breaking, reference: tag }, { repository: target });
    await expect(copying).rejects.toMatchObject({ code: 'NETWORK', side: 'source' });
  });

  test('a target that lets nobody in', async () => {
    const user = { username: 'u', password: 'p' };
    await using registry = await startRegistry({ auth: { basic: user } });
    const client = clientOf(registry);
    const copying = copy(
      { repository: await memoryOf(image()), reference: tag },
      { repository: client.at(to) },
    );
    await expect(copying).rejects.toMatchObject({ code: 'UNAUTHORIZED', side: 'destination' });
    await client.close();
  });

  test('a source that has no such name', async () => {
    const copying = copy(
      { repository: new MemoryRepository(), reference: tag },
      { repository: new MemoryRepository() },
    );
    await expect(copying).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN', side: 'source' });
  });

  test('a blob whose connection breaks is begun again, and only that', async () => {
    await using registry = await startRegistry();
    const artifact = image();
    const source = await memoryOf(artifact);
    registry.fault({
      method: 'PUT',
      path: '/blobs/uploads/',
      times: 2,
      destroyBeforeHeaders: true,
    });
    const client = clientOf(registry);
    const result = await copy(
      { repository: source, reference: tag },
      { repository: client.at(to) },
    );
    expect(result.copied.blobs).toBe(artifact.blobs.length);
    await expectWhole(client.at(to), artifact);
    await client.close();
  });
});

describe('bounds', () => {
  test('manifests, their bytes, blobs and depth are limited before anything is written', async () => {
    const nested = imageIndex({ manifests: [{ artifact: imageIndex() }] });
    const source = await memoryOf(nested);
    for (const limits of [{ manifests: 3 }, { manifestBytes: 500 }, { blobs: 3 }, { depth: 1 }]) {
      const target = new MemoryRepository();
      const copying = copy(
        { repository: source, reference: tag },
        { repository: target },
        { limits },
      );
      await expect(copying).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', side: 'source' });
      for (const { descriptor } of nested.children[0]?.children[0]?.blobs ?? [])
        expect(await target.hasBlob(descriptor)).toBe(false);
    }
  });

  test('a chain of referrers is limited', async () => {
    const subject = image();
    const source = await memoryOf(subject);
    let last = subject;
    for (let at = 0; at < 5; at += 1) {
      last = image({ subject: last.manifest.descriptor, annotations: { at: String(at) } });
      await fill(source, last);
    }
    const options = { referrers: true, limits: { depth: 4 } };
    const copying = copy(
      { repository: source, reference: tag },
      { repository: new MemoryRepository() },
      options,
    );
    await expect(copying).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  test('one digest with two sizes is refused', async () => {
    const base = image({ layers: [{ a: 'a' }] });
    const document = base.manifest.document as { layers: readonly Descriptor[] };
    const layers = document.layers.flatMap((layer) => [layer, { ...layer, size: layer.size + 1 }]);
    const manifest = describeManifest(bytesOf(JSON.stringify({ ...document, layers })));
    const source = await memoryOf({ ...base, manifest });
    const copying = copy(
      { repository: source, reference: tag },
      { repository: new MemoryRepository() },
    );
    await expect(copying).rejects.toMatchObject({ code: 'DOCUMENT_INVALID', side: 'source' });
  });

  test('no more is done at once than is asked for', async () => {
    const source = await memoryOf(
      image({ layers: [{ a: 'a' }, { b: 'b' }, { c: 'c' }, { d: 'd' }] }),
    );
    const memory = new MemoryRepository();
    let running = 0;
    let most = 0;
    const target = Object.assign(Object.create(memory) as MemoryRepository, {
      resolve: memory.resolve.bind(memory),
      hasBlob: memory.hasBlob.bind(memory),
      pushManifest: memory.pushManifest.bind(memory),
      pushBlob: async (...args: Parameters<MemoryRepository['pushBlob']>) => {
        running += 1;
        most = Math.max(most, running);
        await memory.pushBlob(...args);
        running -= 1;
      },
    });
    await copy({ repository: source, reference: tag }, { repository: target }, { concurrency: 2 });
    expect(most).toBe(2);
    const wrong = copy(
      { repository: source, reference: tag },
      { repository: target },
      { concurrency: 0 },
    );
    await expect(wrong).rejects.toMatchObject({ code: 'USAGE' });
  });
});

test('a source is read no faster than the target takes it', async () => {
  const layer = blobBytes('a/b', randomBytes(5, 4 * 1024 * 1024));
  const base = image({ layers: [] });
  const document = { ...base.manifest.document, layers: [layer.descriptor] };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  const source = await memoryOf({ manifest, blobs: [...base.blobs, layer], children: [] });
  const memory = new MemoryRepository();
  let read = 0;
  let furthest = 0;
  const reading = Object.assign(Object.create(source) as MemoryRepository, {
    resolve: source.resolve.bind(source),
    fetchManifest: source.fetchManifest.bind(source),
    fetchBlob: async (descriptor: Descriptor) => {
      const body = await source.fetchBlob(descriptor);
      return (async function* () {
        for await (const chunk of body) {
          read += chunk.byteLength;
          yield chunk;
        }
      })();
    },
  });
  const target = {
    resolve: memory.resolve.bind(memory),
    hasBlob: memory.hasBlob.bind(memory),
    pushManifest: memory.pushManifest.bind(memory),
    pushBlob: async (descriptor: Descriptor, body: AsyncIterable<Uint8Array>) => {
      let taken = 0;
      const slow = (async function* () {
        for await (const chunk of body) {
          furthest = Math.max(furthest, read - taken);
          taken += chunk.byteLength;
          yield chunk;
        }
      })();
      await memory.pushBlob(descriptor, slow);
    },
  };
  await copy({ repository: reading, reference: tag }, { repository: target }, { concurrency: 1 });
  expect(read).toBeGreaterThan(layer.bytes.byteLength);
  expect(furthest).toBeLessThan(600 * 1024);
});

test('an abort stops it, names nothing, and what arrived is not brought again', async () => {
  await using registry = await startRegistry();
  const artifact = image();
  registry.putArtifact(from, '1.0.0', artifact);
  const client = clientOf(registry);
  const target = new MemoryRepository();
  const controller = new AbortController();
  const { signal } = controller;
  const done: string[] = [];
  const copying = copy(
    { repository: client.at(from), reference: tag },
    { repository: target },
    {
      signal,
      concurrency: 1,
      onEvent: (event) => {
        if (event.type !== 'done') return;
        done.push(event.digest);
        controller.abort();
      },
    },
  );
  await expect(copying).rejects.toMatchObject({ code: 'ABORTED' });
  expect(done).toHaveLength(1);
  await expect(target.resolve(tag)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  registry.clearRequests();
  const { skipped } = await copy(
    { repository: client.at(from), reference: tag },
    { repository: target },
  );
  expect(skipped.blobs).toBe(1);
  expect(registry.requests.some(({ path }) => path.endsWith(parseDigest(done[0] ?? '')))).toBe(
    false,
  );
  await client.close();
});

describe('a large blob from a registry to a directory', () => {
  const layer = blobBytes('application/octet-stream', randomBytes(9, 3 * 1024 * 1024));
  const base = image({ layers: [] });
  const manifest = describeManifest(
    bytesOf(JSON.stringify({ ...base.manifest.document, layers: [layer.descriptor] })),
  );
  const artifact = { manifest, blobs: [...base.blobs, layer], children: [] };

  test('is downloaded in place, and goes on where it broke', async () => {
    await using registry = await startRegistry();
    await using directory = await temporaryDirectory();
    registry.putArtifact(from, '1.0.0', artifact);
    const client = createRegistry({
      url: registry.url,
      retry: { attempts: 1, delay: async () => {} },
    });
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const broken = 2 * 1024 * 1024;
    const takeBack = registry.fault({ path: layer.descriptor.digest, destroyAfterBytes: broken });
    const source = { repository: client.repository(from), reference: tag };
    await expect(copy(source, { repository: layout }, { attempts: 1 })).rejects.toMatchObject({
      side: 'source',
    });
    takeBack();
    registry.clearRequests();
    const resumed: number[] = [];
    await copy(
      source,
      { repository: layout },
      { onEvent: (event) => event.type === 'resume' && resumed.push(event.offset) },
    );
    expect(resumed).toHaveLength(1);
    expect(resumed[0]).toBeGreaterThan(1_000_000);
    await expectWhole(layout, artifact);
    const sent = registry.requests
      .filter(({ method, path }) => method === 'GET' && path.endsWith(layer.descriptor.digest))
      .reduce((sum, { bytesSent }) => sum + bytesSent, 0);
    expect(sent).toBeLessThan(layer.bytes.byteLength - 1_000_000);
    await client.close();
  });

  test('goes on where a copy was killed', async () => {
    await using registry = await startRegistry();
    await using directory = await temporaryDirectory();
    registry.putArtifact(from, '1.0.0', artifact);
    const path = join(directory.path, 'layout');
    const program = await compile(
      `import { readFileSync, readdirSync } from 'node:fs';
       import { parseRepositoryName, parseTag } from '@oci/spec-types';
       import { createRegistry } from '../registry.js';
       import { LayoutDirectory } from '../layout/layout-directory.js';
       import { copy } from './copy.js';
       const [url, path] = process.argv.slice(2);
       const noted = (name) => Number(readFileSync(path + '/.partial/' + name, 'utf8').trim().split(/\\s/).at(-1));
       const isNoted = () => readdirSync(path + '/.partial').some((name) => name.endsWith('.journal') && noted(name) > 1e6);
       const repository = createRegistry({ url }).repository(parseRepositoryName('team/from'));
       const layout = await LayoutDirectory.open(path, { create: true });
       const onEvent = (event) => {
         if (event.type === 'bytes' && event.size > 1e6 && event.done > 2e6)
           setInterval(() => isNoted() && console.log('now'), 10);
       };
       await copy({ repository, reference: parseTag('1.0.0') }, { repository: layout }, { onEvent });`,
      { from: import.meta.url, directory: directory.path },
    );
    let goOn = (): void => {};
    const until = new Promise<void>((resolve) => (goOn = resolve));
    const pause = { afterBytes: 2_500_000, until };
    const takeBack = registry.fault({ path: layer.descriptor.digest, method: 'GET', pause });
    await killAtOutput(process.execPath, [program, registry.url, path]);
    goOn();
    takeBack();
    const layout = await LayoutDirectory.open(path);
    await expect(layout.resolve(tag)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    const client = clientOf(registry);
    const resumed: number[] = [];
    await copy(
      { repository: client.at(from), reference: tag },
      { repository: layout },
      { onEvent: (event) => event.type === 'resume' && resumed.push(event.offset) },
    );
    expect(resumed[0]).toBeGreaterThan(1_000_000);
    await expectWhole(layout, artifact);
    expect(await readdir(join(path, '.partial'))).toEqual([]);
    await client.close();
  });

  test('is brought once to each of two that copy at once', async () => {
    await using registry = await startRegistry();
    await using directory = await temporaryDirectory();
    registry.putArtifact(from, '1.0.0', artifact);
    const client = clientOf(registry);
    const layouts = await Promise.all(
      [1, 2].map(() => LayoutDirectory.open(directory.path, { create: true })),
    );
    await Promise.all(
      layouts.map((repository) =>
        copy({ repository: client.at(from), reference: tag }, { repository }),
      ),
    );
    for (const layout of layouts) await expectWhole(layout, artifact);
    await client.close();
  });
});
