import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { type Descriptor, type Repository, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  collect,
  image,
  imageIndex,
  inChunks,
  kclPackage,
  peer,
  run,
  startDockerRegistry,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { expect, test } from 'vitest';

import { LayoutArchive } from './archive/layout-archive.js';
import { copy } from './copy/copy.js';
import { LayoutDirectory } from './layout/layout-directory.js';
import { MemoryRepository } from './memory/memory-repository.js';
import { createRegistry } from './registry.js';

const tag = parseTag('1.0.0');
const name = parseRepositoryName('team/app');
const index = imageIndex();
const artifacts: readonly (readonly [string, ArtifactBytes])[] = [
  ['an image', image()],
  ['an index', index],
  ['an artifact', kclPackage({ name: 'demo', version: '1.0.0' })],
];

/** Runs another tool as a user with nothing configured. @returns what it prints */
async function tool(program: string, args: string, home: string): Promise<string> {
  const env = { HOME: home, DOCKER_CONFIG: home, XDG_RUNTIME_DIR: home };
  const { exitCode, stdout, stderr } = await run(peer(program) ?? '', args.split(' '), {
    cwd: home,
    env,
  });
  expect({ program, args, exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({
    program,
    args,
    exitCode: 0,
    stderr: '',
  });
  return stdout;
}

async function memoryOf(artifact: ArtifactBytes): Promise<MemoryRepository> {
  const repository = new MemoryRepository();
  await fill(repository, artifact);
  await repository.pushManifest(artifact.manifest, { tag });
  return repository;
}

async function fill(repository: Repository, artifact: ArtifactBytes): Promise<void> {
  for (const child of artifact.children) await fill(repository, child);
  for (const { descriptor, bytes } of artifact.blobs)
    await repository.pushBlob(descriptor, inChunks(bytes));
  await repository.pushManifest(artifact.manifest);
}

async function expectWhole(repository: Repository, artifact: ArtifactBytes): Promise<void> {
  const { descriptor, bytes } = artifact.manifest;
  expect(digestOf((await repository.fetchManifest(descriptor)).bytes)).toBe(digestOf(bytes));
  for (const { descriptor } of artifact.blobs) {
    const got = await collect(await repository.fetchBlob(descriptor));
    expect(digestOf(got)).toBe(descriptor.digest);
  }
  for (const child of artifact.children) await expectWhole(repository, child);
}

async function layoutOf(path: string, artifact: ArtifactBytes): Promise<LayoutDirectory> {
  const layout = await LayoutDirectory.open(path, { create: true });
  await copy({ repository: await memoryOf(artifact), reference: tag }, { repository: layout });
  return layout;
}

async function archiveOf(path: string, artifact: ArtifactBytes): Promise<void> {
  await using archive = await LayoutArchive.create(path);
  await copy({ repository: await memoryOf(artifact), reference: tag }, { repository: archive });
  await archive.finish();
}

describePeer('skopeo', 'layouts and archives, and skopeo', () => {
  test.each(artifacts)('ours of %s are read, and theirs', async (_what, artifact) => {
    await using directory = await temporaryDirectory();
    const at = (file: string): string => join(directory.path, file);
    const skopeo = (from: string, to: string): Promise<string> =>
      tool('skopeo', `copy --all --preserve-digests ${from} ${to}`, directory.path);
    await layoutOf(at('ours'), artifact);
    await skopeo(`oci:${at('ours')}:1.0.0`, `oci:${at('theirs')}:1.0.0`);
    await expectWhole(await LayoutDirectory.open(at('theirs')), artifact);
    await archiveOf(at('ours.tar'), artifact);
    await skopeo(`oci-archive:${at('ours.tar')}:1.0.0`, `oci-archive:${at('theirs.tar')}:1.0.0`);
    await using archive = await LayoutArchive.open(at('theirs.tar'));
    expect(await archive.resolve(tag)).toMatchObject({
      digest: artifact.manifest.descriptor.digest,
    });
    await expectWhole(archive, artifact);
  });

  test('both write to one layout', async () => {
    await using directory = await temporaryDirectory();
    const [first, second] = [image(), image({ architecture: 'arm64' })];
    const ours = await layoutOf(join(directory.path, 'shared'), first);
    await layoutOf(join(directory.path, 'other'), second);
    await tool('skopeo', 'copy oci:other:1.0.0 oci:shared:2.0.0', directory.path);
    expect(await ours.resolve(parseTag('2.0.0'))).toEqual(second.manifest.descriptor);
    const raw = await tool('skopeo', 'inspect --raw oci:shared:1.0.0', directory.path);
    expect(JSON.parse(raw)).toEqual(first.manifest.document);
  });
});

describePeer('oras', 'layouts and archives, and oras', () => {
  test.each(artifacts)('ours of %s are read, and theirs', async (_what, artifact) => {
    await using directory = await temporaryDirectory();
    const oras = (args: string): Promise<string> => tool('oras', args, directory.path);
    await layoutOf(join(directory.path, 'ours'), artifact);
    await archiveOf(join(directory.path, 'ours.tar'), artifact);
    for (const ours of ['ours', 'ours.tar']) {
      const { digest } = artifact.manifest.descriptor;
      const resolved = await oras(`resolve --oci-layout ${ours}:1.0.0`);
      expect(resolved.trim()).toBe(digest);
      await oras(`cp --from-oci-layout ${ours}:1.0.0 --to-oci-layout theirs:1.0.0`);
      const theirs = await LayoutDirectory.open(join(directory.path, 'theirs'));
      expect(await theirs.resolve(tag)).toMatchObject({ digest });
      await expectWhole(theirs, artifact);
      await rm(theirs.path, { recursive: true });
    }
  });

  test('each finds the referrers that the other attached', async () => {
    await using directory = await temporaryDirectory();
    const oras = (args: string): Promise<string> => tool('oras', args, directory.path);
    const artifact = image();
    const layout = await layoutOf(join(directory.path, 'layout'), artifact);
    const type = 'application/vnd.example.sbom';
    const subject = artifact.manifest.descriptor;
    await fill(layout, image({ artifactType: type, subject, annotations: { by: 'us' } }));
    await oras(`attach --oci-layout layout:1.0.0 --artifact-type ${type}.theirs -a by=them`);
    const found: string[] = [];
    for await (const { annotations } of layout.listReferrers(subject)) {
      found.push(annotations?.['by'] ?? '');
    }
    expect(found.sort()).toEqual(['them', 'us']);
    const discovered = JSON.parse(await oras('discover --oci-layout --format json layout:1.0.0'));
    expect(discovered.referrers ?? discovered.manifests).toHaveLength(2);
  });
});

describePeer('regctl', 'layouts and archives, and regctl', () => {
  test.each(artifacts)('ours of %s are read, and theirs', async (_what, artifact) => {
    await using directory = await temporaryDirectory();
    const regctl = (args: string): Promise<string> => tool('regctl', args, directory.path);
    await layoutOf(join(directory.path, 'ours'), artifact);
    await archiveOf(join(directory.path, 'ours.tar'), artifact);
    await regctl('image copy ocidir://ours:1.0.0 ocidir://theirs:1.0.0');
    await regctl('image import ocidir://imported:1.0.0 ours.tar');
    for (const theirs of ['theirs', 'imported']) {
      const layout = await LayoutDirectory.open(join(directory.path, theirs));
      const { digest } = artifact.manifest.descriptor;
      expect(await layout.resolve(tag)).toMatchObject({ digest });
      await expectWhole(layout, artifact);
    }
    await regctl('image export ocidir://ours:1.0.0 theirs.tar');
    await using archive = await LayoutArchive.open(join(directory.path, 'theirs.tar'));
    expect(await archive.only()).toMatchObject({ digest: artifact.manifest.descriptor.digest });
    await expectWhole(archive, artifact);
  });

  test('its referrers in a layout are found', async () => {
    await using directory = await temporaryDirectory();
    const artifact = image();
    const layout = await layoutOf(join(directory.path, 'layout'), artifact);
    const type = 'application/vnd.example.sbom';
    const put = `artifact put --subject ocidir://layout:1.0.0 --artifact-type ${type} --annotation by=them`;
    await tool('regctl', `${put} --file /dev/null`, directory.path);
    const found: Descriptor[] = [];
    for await (const referrer of layout.listReferrers(artifact.manifest.descriptor))
      found.push(referrer);
    expect(found).toMatchObject([{ artifactType: type, annotations: { by: 'them' } }]);
  });
});

describePeer('crane', 'layouts, and crane', () => {
  test.each(artifacts.slice(0, 2))('ours of %s are read, and theirs', async (_what, artifact) => {
    await using directory = await temporaryDirectory();
    await using registry = await startRegistry();
    const crane = (args: string): Promise<string> => tool('crane', args, directory.path);
    await layoutOf(join(directory.path, 'ours'), artifact);
    await crane(`push --insecure ours ${registry.host}/${name}:1.0.0`);
    const client = createRegistry({ url: registry.url });
    const repository = client.repository(name);
    const { digest } = artifact.manifest.descriptor;
    expect(await repository.resolve(tag)).toMatchObject({ digest });
    await expectWhole(repository, artifact);
    await crane(`pull --insecure --format=oci ${registry.host}/${name}:1.0.0 theirs`);
    const theirs = await LayoutDirectory.open(join(directory.path, 'theirs'));
    expect(await theirs.only()).toMatchObject({ digest });
    await expectWhole(theirs, artifact);
    await client.close();
  });
});

describePeer('docker-registry', 'copies, and docker-registry', () => {
  test.each(artifacts)('%s goes to layout and archive, and back', async (_what, artifact) => {
    await using directory = await temporaryDirectory();
    await using registry = await startDockerRegistry();
    const client = createRegistry({ url: registry.url });
    const [from, to] = ['team/from', 'team/to'].map((name) =>
      client.repository(parseRepositoryName(name)),
    );
    if (!from || !to) throw new Error('two repositories');
    const subject = artifact.manifest.descriptor;
    const sbom = image({ artifactType: 'application/vnd.example.sbom', subject });
    await fill(from, artifact);
    await fill(from, sbom);
    await from.pushManifest(artifact.manifest, { tag });

    const layout = await LayoutDirectory.open(join(directory.path, 'layout'), { create: true });
    const path = join(directory.path, 'a.tar');
    await using archive = await LayoutArchive.create(path);
    const options = { referrers: true };
    await copy({ repository: from, reference: tag }, { repository: layout }, options);
    await copy({ repository: layout, reference: tag }, { repository: archive }, options);
    await archive.finish();
    await using read = await LayoutArchive.open(path);
    const pushed = await copy({ repository: read, reference: tag }, { repository: to }, options);
    expect(pushed).toMatchObject({ descriptor: subject, referrers: 1 });
    for (const repository of [layout, read, to]) {
      await expectWhole(repository, artifact);
      await expectWhole(repository, sbom);
      const found: Descriptor[] = [];
      for await (const referrer of repository.listReferrers(subject)) found.push(referrer);
      expect(found).toMatchObject([{ digest: sbom.manifest.descriptor.digest }]);
    }
    await client.close();
  });

  test('blobs are mounted from repository to repository', async () => {
    await using registry = await startDockerRegistry();
    const client = createRegistry({ url: registry.url });
    const [from, to] = ['team/from', 'team/to'].map((name) =>
      client.repository(parseRepositoryName(name)),
    );
    if (!from || !to) throw new Error('two repositories');
    await fill(from, index);
    const reference = index.manifest.descriptor.digest;
    const result = await copy({ repository: from, reference }, { repository: to, tags: [tag] });
    expect(result).toMatchObject({ mounted: { blobs: 4 }, copied: { manifests: 3, blobs: 0 } });
    await expectWhole(to, index);
    await client.close();
  });
});
