import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseTag } from '@oci/spec-types';
import {
  type TarEntry,
  bytesOf,
  collect,
  image,
  imageIndex,
  inChunks,
  tar,
  temporaryDirectory,
} from '@oci/testing';
import { referrersContract, repositoryContract } from '@oci/testing/contracts';
import { describe, expect, test } from 'vitest';

import { copy } from '../copy/copy.js';
import { LayoutDirectory } from '../layout/layout-directory.js';
import { MemoryRepository } from '../memory/memory-repository.js';
import { LayoutArchive } from './layout-archive.js';

const make = async () => {
  const directory = await temporaryDirectory();
  const repository = await LayoutArchive.create(join(directory.path, 'a.tar'));
  const close = async (): Promise<void> => {
    await repository.close();
    await directory.remove();
  };
  return { repository, close };
};

repositoryContract('an archive that is written', make);
referrersContract('an archive that is written', make);

const tag = parseTag('1.0.0');

async function sourceOf(): Promise<MemoryRepository> {
  const repository = new MemoryRepository();
  const index = imageIndex();
  const subject = index.manifest.descriptor;
  const signature = image({ artifactType: 'application/vnd.example.signature', subject });
  for (const artifact of [...index.children, index, signature]) {
    for (const { descriptor, bytes } of artifact.blobs)
      await repository.pushBlob(descriptor, inChunks(bytes));
    await repository.pushManifest(artifact.manifest, artifact === index ? { tag } : {});
  }
  return repository;
}

async function archiveAt(path: string, concurrency: number): Promise<Uint8Array> {
  await using archive = await LayoutArchive.create(path);
  const source = { repository: await sourceOf(), reference: tag };
  await copy(source, { repository: archive }, { referrers: true, concurrency });
  await archive.finish();
  return readFile(path);
}

describe('an archive that was finished', () => {
  test('gives back all of it without unpacking, and is copied on', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    await archiveAt(path, 4);
    await using archive = await LayoutArchive.open(path);
    const layout = await LayoutDirectory.open(join(directory.path, 'layout'), { create: true });
    const result = await copy(
      { repository: archive, reference: tag },
      { repository: layout },
      { referrers: true },
    );
    expect(result).toMatchObject({ referrers: 1, copied: { manifests: 4 } });
    expect((await readdir(directory.path)).sort()).toEqual(['a.tar', 'layout']);
  });

  test('has the same bytes each time, whatever is done at once', async () => {
    await using directory = await temporaryDirectory();
    const [first, second] = [
      await archiveAt(join(directory.path, 'a.tar'), 1),
      await archiveAt(join(directory.path, 'b.tar'), 8),
    ];
    expect(Buffer.compare(first, second)).toBe(0);
  });

  test('has the same bytes from a layout as from memory', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(join(directory.path, 'layout'), { create: true });
    const memory = { repository: await sourceOf(), reference: tag };
    await copy(memory, { repository: layout }, { referrers: true });
    const path = join(directory.path, 'b.tar');
    await using archive = await LayoutArchive.create(path);
    const source = { repository: layout, reference: tag };
    await copy(source, { repository: archive }, { referrers: true });
    await archive.finish();
    const expected = await archiveAt(join(directory.path, 'a.tar'), 3);
    expect(Buffer.compare(await readFile(path), expected)).toBe(0);
  });

  test('is not changed', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    await archiveAt(path, 4);
    await using archive = await LayoutArchive.open(path);
    const artifact = image({ architecture: 's390x' });
    const { manifest } = artifact;
    const [blob] = artifact.blobs;
    const unsupported = { code: 'UNSUPPORTED' };
    await expect(archive.pushManifest(manifest, { tag })).rejects.toMatchObject(unsupported);
    await expect(archive.deleteTag(tag)).rejects.toMatchObject(unsupported);
    const root = await archive.resolve(tag);
    await expect(archive.deleteManifest(root)).rejects.toMatchObject(unsupported);
    const pushing = blob && archive.pushBlob(blob.descriptor, inChunks(blob.bytes));
    await expect(pushing).rejects.toMatchObject(unsupported);
    expect(await archive.resolve(tag)).toEqual(root);
  });

  test('takes the place of the one before only when it is whole', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    await writeFile(path, 'before');
    const archive = await LayoutArchive.create(path);
    const { manifest } = image();
    await archive.pushManifest(manifest, { tag });
    expect(await readFile(path, 'utf8')).toBe('before');
    await archive.close();
    expect(await readdir(directory.path)).toEqual(['a.tar']);
    expect(await readFile(path, 'utf8')).toBe('before');
  });

  test('holds nothing of a push that failed', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    await using archive = await LayoutArchive.create(path);
    const [blob, other] = image().blobs;
    const wrong = blob && archive.pushBlob(blob.descriptor, inChunks(bytesOf('wrong')));
    await expect(wrong).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    if (other) await archive.pushBlob(other.descriptor, inChunks(other.bytes));
    await archive.finish();
    await using read = await LayoutArchive.open(path);
    expect(await read.hasBlob(image().manifest.descriptor)).toBe(false);
    const bytes = other && (await collect(await read.fetchBlob(other.descriptor)));
    expect(bytes).toEqual(other?.bytes);
  });
});

describe('an archive that is refused', () => {
  const header: TarEntry = { path: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' };
  const index: TarEntry = { path: 'index.json', content: '{"schemaVersion":2,"manifests":[]}' };

  test.each<[string, readonly TarEntry[] | undefined, string]>([
    ['where there is none', undefined, 'NAME_UNKNOWN'],
    ['without a layout', [{ path: 'manifest.json', content: '[]' }], 'DOCUMENT_INVALID'],
    ['of another version', [{ ...header, content: '{}' }], 'DOCUMENT_INVALID'],
    [
      'whose index is a link (CVE-2026-23745)',
      [header, { path: 'index.json', type: 'symlink', linkName: '/etc/passwd' }],
      'ARCHIVE_UNSAFE',
    ],
    [
      'whose index is no index',
      [header, { ...index, content: '{"layers":[]}' }],
      'DOCUMENT_INVALID',
    ],
    [
      'whose index is too large',
      [header, { ...index, content: new Uint8Array(17 * 1024 * 1024) }],
      'LIMIT_EXCEEDED',
    ],
  ])('%s', async (_what, entries, code) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    if (entries) await writeFile(path, tar(entries));
    await expect(LayoutArchive.open(path)).rejects.toMatchObject({ code });
  });

  test('a blob that is a link is not followed', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'a.tar');
    const { descriptor } = image().manifest;
    const name = `blobs/${descriptor.digest.replace(':', '/')}`;
    await writeFile(
      path,
      tar([header, index, { path: name, type: 'hardlink', linkName: 'index.json' }]),
    );
    await using archive = await LayoutArchive.open(path);
    await expect(archive.fetchManifest(descriptor)).rejects.toMatchObject({
      code: 'ARCHIVE_UNSAFE',
    });
  });
});
