import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  mediaTypes,
  parseLayoutHeader,
  parseRegistryHost,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, compile, run, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { LayoutIndex } from './layout-index.js';
import type { ReferenceKey } from './cache-format.js';
import { FileObjectStore } from './store/file-object-store.js';

const name = (tag: string): ReferenceKey => ({
  registry: parseRegistryHost('localhost:5000'),
  repository: parseRepositoryName('kcl/demo'),
  tag: parseTag(tag),
});
const manifest = (text: string): Descriptor => ({
  mediaType: mediaTypes.imageManifest,
  digest: digestOf(bytesOf(text)),
  size: text.length,
});

function indexOf(path: string): LayoutIndex {
  return new LayoutIndex(new FileObjectStore(path));
}

test('names a manifest by its whole reference, and a reference once', async () => {
  await using directory = await temporaryDirectory();
  const index = indexOf(directory.path);
  await index.add({ descriptor: manifest('a'), name: name('1.0.0') });
  await index.add({ descriptor: manifest('b'), name: name('2.0.0') });
  await index.add({ descriptor: manifest('c'), name: name('1.0.0') });
  const written = JSON.parse(await readFile(join(directory.path, 'index.json'), 'utf8')) as unknown;
  expect(written).toEqual({
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [
      {
        ...manifest('b'),
        annotations: { 'org.opencontainers.image.ref.name': 'localhost:5000/kcl/demo:2.0.0' },
      },
      {
        ...manifest('c'),
        annotations: { 'org.opencontainers.image.ref.name': 'localhost:5000/kcl/demo:1.0.0' },
      },
    ],
  });
  const header = await readFile(join(directory.path, 'oci-layout'));
  expect(parseLayoutHeader(header)).toEqual({ imageLayoutVersion: '1.0.0' });
});

test('does not write what is written already', async () => {
  await using directory = await temporaryDirectory();
  const entry = { descriptor: manifest('a'), name: name('1.0.0') };
  await indexOf(directory.path).add(entry);
  const store = new FileObjectStore(directory.path);
  const before = await store.head('index.json');
  await indexOf(directory.path).add(entry);
  expect(await store.head('index.json')).toEqual(before);
});

test('loses no entry when several processes add at once', async () => {
  await using directory = await temporaryDirectory();
  const program = await compile(
    `import { digestOf } from '@oci/spec-types/node';
     import { openCache } from './cache.js';
     const [dir, who] = process.argv.slice(2);
     const { index } = await openCache(dir, { fsync: false });
     await Promise.all(Array.from({ length: 10 }, (_, i) => index.add({
       descriptor: { mediaType: 'a/b', digest: digestOf(Buffer.from(who + i)), size: 1 },
       name: { registry: 'localhost:5000', repository: 'kcl/demo', tag: who + '.' + i },
     })));`,
    { from: import.meta.url, directory: directory.path },
  );
  const layout = join(directory.path, 'layout');
  const ends = await Promise.all(
    ['1', '2', '3'].map((who) => run(process.execPath, [program, layout, who])),
  );
  expect(ends.map((end) => end.stderr)).toEqual(['', '', '']);
  const names = (await indexOf(layout).list()).map(
    (entry) => entry.annotations?.['org.opencontainers.image.ref.name'],
  );
  expect(new Set(names).size).toBe(30);
});

test('begins anew where index.json can not be read', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'index.json'), '{"schemaVersion":2,"manifests":[{');
  const index = indexOf(directory.path);
  expect(await index.list()).toEqual([]);
  await index.add({ descriptor: manifest('a'), name: name('1.0.0') });
  expect(await index.list()).toHaveLength(1);
});
