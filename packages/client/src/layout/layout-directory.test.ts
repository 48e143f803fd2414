import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  type Digest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  blobBytes,
  bytesOf,
  collect,
  compile,
  image,
  imageIndex,
  inChunks,
  killAtOutput,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { deletionContract, referrersContract, repositoryContract } from '@oci/testing/contracts';
import { describe, expect, test } from 'vitest';

import { copy } from '../copy/copy.js';
import { createRegistry } from '../registry.js';
import { LayoutDirectory } from './layout-directory.js';

const make = async () => {
  const directory = await temporaryDirectory();
  const repository = await LayoutDirectory.open(join(directory.path, 'layout'), { create: true });
  return { repository, close: directory.remove };
};

repositoryContract('a layout directory', make);
referrersContract('a layout directory', make);
deletionContract('a layout directory', make);

const tag = parseTag('1.0.0');
const blob = blobBytes('application/octet-stream', randomBytes(1, 100_000));

async function push(
  layout: LayoutDirectory,
  artifact: ArtifactBytes,
  name?: string,
): Promise<void> {
  for (const child of artifact.children) await push(layout, child);
  for (const { descriptor, bytes } of artifact.blobs)
    await layout.pushBlob(descriptor, inChunks(bytes));
  await layout.pushManifest(artifact.manifest, {
    tag: name === undefined ? undefined : parseTag(name),
  });
}

async function indexOf(path: string): Promise<readonly Descriptor[]> {
  const index = JSON.parse(await readFile(join(path, 'index.json'), 'utf8')) as {
    manifests: Descriptor[];
  };
  return index.manifests;
}

function fileOf(path: string, digest: Digest): string {
  return join(path, 'blobs', ...digest.split(':'));
}

describe('what is opened', () => {
  test('a place without a layout is refused, unless one is begun there', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'new', 'layout');
    await expect(LayoutDirectory.open(path)).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    await LayoutDirectory.open(path, { create: true });
    await LayoutDirectory.open(path, { create: true });
    await LayoutDirectory.open(path);
    expect(JSON.parse(await readFile(join(path, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
  });

  test('a layout that several begin at once is begun once', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'layout');
    const artifact = image();
    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const layout = await LayoutDirectory.open(path, { create: true });
        await push(layout, artifact, `v${at}`);
      }),
    );
    expect(await indexOf(path)).toHaveLength(12);
  });

  test('a directory of other files stays as it is', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'file.txt'), 'mine');
    await expect(LayoutDirectory.open(directory.path, { create: true })).rejects.toMatchObject({
      code: 'DOCUMENT_INVALID',
    });
    expect(await readdir(directory.path)).toEqual(['file.txt']);
  });

  test.each(['{"imageLayoutVersion":"2.0.0"}', '{}', 'x', `"${'x'.repeat(2000)}"`])(
    'a layout that says %s is refused',
    async (header) => {
      await using directory = await temporaryDirectory();
      await writeFile(join(directory.path, 'oci-layout'), header);
      await expect(LayoutDirectory.open(directory.path)).rejects.toMatchObject({
        code: 'DOCUMENT_INVALID',
      });
    },
  );
});

describe('what is in index.json', () => {
  test('the children of an index are not listed beside it, its referrers are', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const index = imageIndex();
    const subject = index.manifest.descriptor;
    await push(layout, index, '1.0.0');
    const referrer = image({ artifactType: 'application/vnd.example.sbom', subject });
    await push(layout, referrer);
    expect(await indexOf(directory.path)).toEqual([
      { ...subject, annotations: { 'org.opencontainers.image.ref.name': '1.0.0' } },
      { ...referrer.manifest.descriptor, artifactType: 'application/vnd.example.sbom' },
    ]);
  });

  test('what other tools wrote there stays', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const artifact = image();
    await push(layout, artifact);
    const foreign = {
      ...artifact.manifest.descriptor,
      annotations: {
        'org.opencontainers.image.ref.name': 'registry.example/team/app:1.0.0',
        'io.containerd.image.name': 'x',
      },
      custom: 1,
    };
    const index = { schemaVersion: 2, manifests: [foreign], annotations: { a: 'b' }, more: [1] };
    await writeFile(join(directory.path, 'index.json'), JSON.stringify(index));
    await push(layout, artifact, 'mine');
    const written: unknown = JSON.parse(await readFile(join(directory.path, 'index.json'), 'utf8'));
    expect(written).toMatchObject({ ...index, manifests: [foreign, {}] });
    expect(await layout.findName('registry.example/team/app:1.0.0')).toEqual(
      artifact.manifest.descriptor,
    );
  });

  test('one name of several manifests is ambiguous', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const annotations = { 'org.opencontainers.image.ref.name': '1.0.0' };
    const manifests = ['a', 'b'].map((hex) => ({
      mediaType: mediaTypes.imageManifest,
      digest: `sha256:${hex.repeat(64)}`,
      size: 2,
      annotations,
    }));
    await writeFile(
      join(directory.path, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests }),
    );
    await expect(layout.resolve(tag)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('without a name, the only artifact is meant', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    await expect(layout.only()).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    const first = image();
    await push(layout, first);
    expect(await layout.only()).toEqual(first.manifest.descriptor);
    const second = image({ architecture: 'arm64' });
    await push(layout, second, '2.0.0');
    expect(await layout.only()).toEqual(second.manifest.descriptor);
    await push(layout, first, '1.0.0');
    await expect(layout.only()).rejects.toMatchObject({
      code: 'REFERENCE_INVALID',
      hint: expect.stringContaining('2.0.0, 1.0.0'),
    });
  });

  test.each([
    ['a path for a digest (CVE-2024-3727)', { digest: 'sha256:../../../etc/passwd', size: 1 }],
    ['a negative size', { digest: `sha256:${'a'.repeat(64)}`, size: -1 }],
    ['no media type', { digest: `sha256:${'a'.repeat(64)}`, size: 1, mediaType: 'x' }],
  ])('%s is refused', async (_what, entry) => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const manifests = [{ mediaType: mediaTypes.imageManifest, ...entry }];
    await writeFile(
      join(directory.path, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests }),
    );
    await expect(layout.resolve(tag)).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
  });

  test('more of it than is read is refused', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    await writeFile(join(directory.path, 'index.json'), Buffer.alloc(17 * 1024 * 1024, 0x20));
    await expect(layout.resolve(tag)).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

describe('content on disk', () => {
  test('a blob that was altered is noticed when it is read', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    await layout.pushBlob(blob.descriptor, inChunks(blob.bytes));
    const file = fileOf(directory.path, blob.descriptor.digest);
    await writeFile(file, randomBytes(2, blob.bytes.byteLength));
    const reading = layout.fetchBlob(blob.descriptor).then((body) => collect(body));
    await expect(reading).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await writeFile(file, blob.bytes.subarray(1));
    expect(await layout.hasBlob(blob.descriptor)).toBe(false);
    await layout.pushBlob(blob.descriptor, inChunks(blob.bytes));
    expect(digestOf(await readFile(file))).toBe(blob.descriptor.digest);
  });

  test('a manifest that was altered is unknown, and mended by a push', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const artifact = image();
    await push(layout, artifact, '1.0.0');
    const { descriptor, bytes } = artifact.manifest;
    await writeFile(
      fileOf(directory.path, descriptor.digest),
      Buffer.alloc(bytes.byteLength, 0x20),
    );
    await expect(layout.fetchManifest(descriptor)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
    await expect(layout.resolve(descriptor.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
    await layout.pushManifest(artifact.manifest);
    expect(await layout.resolve(descriptor.digest)).toEqual(descriptor);
  });

  test('a blob is no manifest, and a manifest is at most 4 MiB', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    await layout.pushBlob(blob.descriptor, inChunks(blob.bytes));
    await expect(layout.resolve(blob.descriptor.digest)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
    const large = blobBytes('a/b', randomBytes(3, 5 * 1024 * 1024));
    await layout.pushBlob(large.descriptor, inChunks(large.bytes));
    await expect(layout.fetchManifest(large.descriptor)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
  });

  test.each(['file', 'directory'])(
    'a link out of the layout is not followed: a %s',
    async (kind) => {
      await using directory = await temporaryDirectory();
      const path = join(directory.path, 'layout');
      const layout = await LayoutDirectory.open(path, { create: true });
      const outside = join(directory.path, 'outside');
      await mkdir(outside);
      const file = join(outside, blob.descriptor.digest.slice('sha256:'.length));
      await writeFile(file, blob.bytes);
      if (kind === 'file') await symlink(file, fileOf(path, blob.descriptor.digest));
      else {
        await rm(join(path, 'blobs', 'sha256'), { recursive: true });
        await symlink(outside, join(path, 'blobs', 'sha256'));
      }
      const refused = { code: 'POLICY_REFUSED' };
      await expect(layout.fetchBlob(blob.descriptor)).rejects.toMatchObject(refused);
      await expect(layout.hasBlob(blob.descriptor)).rejects.toMatchObject(refused);
      if (kind === 'file') return;
      const other = blobBytes('a/b', 'other');
      await expect(layout.pushBlob(other.descriptor, inChunks(other.bytes))).rejects.toMatchObject(
        refused,
      );
      expect(await readdir(outside)).toHaveLength(1);
    },
  );

  test('nothing is made behind a link that leads out', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'layout');
    const layout = await LayoutDirectory.open(path, { create: true });
    const outside = join(directory.path, 'outside');
    await mkdir(outside);
    await rm(join(path, 'blobs'), { recursive: true });
    await symlink(outside, join(path, 'blobs'));
    const pushing = layout.pushBlob(blob.descriptor, inChunks(blob.bytes));
    await expect(pushing).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
    expect(await readdir(outside)).toEqual([]);
  });

  test.each(['.partial', '.tmp', '.locks', join('blobs', 'sha256')])(
    'nothing is written behind a link within the layout, as %s may be',
    async (part) => {
      await using directory = await temporaryDirectory();
      await using registry = await startRegistry();
      const large = registry.putBlob('a/b', randomBytes(3, 3 * 1024 * 1024));
      const layout = await LayoutDirectory.open(directory.path, { create: true });
      const elsewhere = join(directory.path, 'elsewhere');
      await mkdir(elsewhere);
      await rm(join(directory.path, part), { recursive: true, force: true });
      await symlink(elsewhere, join(directory.path, part));
      const client = createRegistry({ url: registry.url });
      const downloader = client.repository(parseRepositoryName('a/b'));
      const refused = { code: 'POLICY_REFUSED' };
      await expect(
        part === '.locks' || part === '.tmp'
          ? push(layout, image(), '1.0.0')
          : layout.takeBlob(large, downloader),
      ).rejects.toMatchObject(refused);
      await client.close();
      expect(await readdir(elsewhere)).toEqual([]);
    },
  );

  test('a blob with wrong bytes of the right size is none, and a push replaces it', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const { descriptor, bytes } = blob;
    const file = fileOf(directory.path, descriptor.digest);
    for (const wrong of [new Uint8Array(descriptor.size), bytes.subarray(1)]) {
      await writeFile(file, wrong);
      expect(await layout.hasBlob(descriptor)).toBe(false);
      await layout.pushBlob(descriptor, inChunks(bytes));
      expect(await layout.hasBlob(descriptor)).toBe(true);
      expect(digestOf(await readFile(file))).toBe(descriptor.digest);
    }
  });

  test('copy brings anew what a layout has wrong, without being told to look', async () => {
    await using directory = await temporaryDirectory();
    await using registry = await startRegistry();
    const artifact = image();
    registry.putArtifact('a/b', '1.0.0', artifact);
    const client = createRegistry({ url: registry.url });
    const source = { repository: client.repository(parseRepositoryName('a/b')), reference: tag };
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    for (const { descriptor } of artifact.blobs)
      await writeFile(fileOf(directory.path, descriptor.digest), new Uint8Array(descriptor.size));
    await copy(source, { repository: layout, tags: [tag] });
    await client.close();
    for (const { descriptor } of artifact.blobs)
      expect(digestOf(await readFile(fileOf(directory.path, descriptor.digest)))).toBe(
        descriptor.digest,
      );
  });

  test('an index that another tool wrote meanwhile is read again', async () => {
    await using directory = await temporaryDirectory();
    const [ours, theirs] = [
      await LayoutDirectory.open(directory.path, { create: true }),
      await LayoutDirectory.open(directory.path),
    ];
    const [first, second] = [image(), image({ architecture: 'arm64' })];
    await push(ours, first, '1.0.0');
    expect(await theirs.resolve(tag)).toEqual(first.manifest.descriptor);
    await push(ours, second, '1.0.0');
    expect(await theirs.resolve(tag)).toEqual(second.manifest.descriptor);
  });

  test('a link within the layout is followed', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    await writeFile(join(directory.path, 'shared'), blob.bytes);
    await symlink('../../shared', fileOf(directory.path, blob.descriptor.digest));
    const bytes = await collect(await layout.fetchBlob(blob.descriptor));
    expect(digestOf(bytes)).toBe(blob.descriptor.digest);
  });

  test('a pipe is no blob, and is not waited for', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const made = await run('mkfifo', [fileOf(directory.path, blob.descriptor.digest)]);
    expect(made.exitCode).toBe(0);
    await expect(layout.fetchBlob(blob.descriptor)).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    });
  });

  test('a push that fails leaves nothing', async () => {
    await using directory = await temporaryDirectory();
    const layout = await LayoutDirectory.open(directory.path, { create: true });
    const wrong = layout.pushBlob(blob.descriptor, inChunks(bytesOf('wrong')));
    await expect(wrong).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
    expect(await readdir(join(directory.path, 'blobs', 'sha256'))).toEqual([]);
  });
});

describe('many writers', () => {
  test('of one process lose no tag', async () => {
    await using directory = await temporaryDirectory();
    const artifact = image();
    const layouts = await Promise.all(
      [1, 2, 3].map(() => LayoutDirectory.open(directory.path, { create: true })),
    );
    await Promise.all(
      layouts.flatMap((layout, writer) =>
        Array.from({ length: 20 }, (_, at) => push(layout, artifact, `${writer}.${at}`)),
      ),
    );
    expect(await indexOf(directory.path)).toHaveLength(60);
  });

  test('of several processes lose no tag, also when one of them is killed', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'layout');
    const program = await compile(
      `import { image, inChunks } from '@oci/testing';
       import { parseTag } from '@oci/spec-types';
       import { LayoutDirectory } from './layout-directory.js';
       const [path, writer, count] = process.argv.slice(2);
       const layout = await LayoutDirectory.open(path, { create: true });
       const artifact = image();
       for (const { descriptor, bytes } of artifact.blobs) await layout.pushBlob(descriptor, inChunks(bytes));
       for (let at = 0; at < Number(count); at++) {
         await layout.pushManifest(artifact.manifest, { tag: parseTag(writer + '.' + at) });
         if (at === 3 && writer === 'killed') console.log('now');
       }`,
      { from: import.meta.url, directory: directory.path },
    );
    const writers = ['a', 'b', 'c'];
    const [ends] = await Promise.all([
      Promise.all(writers.map((writer) => run(process.execPath, [program, path, writer, '15']))),
      killAtOutput(process.execPath, [program, path, 'killed', '100000']),
    ]);
    expect(ends.map(({ stderr }) => stderr)).toEqual(['', '', '']);
    const names = (await indexOf(path)).map(
      (entry) => entry.annotations?.['org.opencontainers.image.ref.name'],
    );
    for (const writer of writers) {
      expect(names.filter((name) => name?.startsWith(`${writer}.`))).toHaveLength(15);
    }
    const layout = await LayoutDirectory.open(path);
    expect(await layout.resolve(parseTag('a.14'))).toEqual(image().manifest.descriptor);
  });
});
