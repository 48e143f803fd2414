import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createMemoryObjectStore } from '@oci/cache';
import { LayoutDirectory } from '@oci/client/layout';
import { mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  bytesOf,
  image,
  imageIndex,
  inChunks,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { ExportDirectory } from './export-directory.js';
import { exportPaths } from './export-format.js';
import { exportRepositories } from './export-repositories.js';
import { type ImportOptions, importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

const app = parseRepositoryName('team/app');
const shared = parseRepositoryName('team/shared');
const tag = parseTag('1');
const artifact = image();

let work: TemporaryDirectory;
let target: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  target = join(work.path, 'export');
  const registry = createHostedRegistry(createMemoryObjectStore());
  await store(registry, app, artifact, [tag]);
  const directory = new ExportDirectory(target);
  await exportRepositories({ registry, directory }, new TransferReport());
});
afterEach(() => work.remove());

async function imported(
  path = target,
  options: ImportOptions = {},
): Promise<{ registry: HostedRegistry; state: Record<string, object>; codes: readonly string[] }> {
  const report = new TransferReport();
  const registry = createHostedRegistry(createMemoryObjectStore());
  await importRepositories({ registry, source: await openImportSource(path) }, report, options);
  const { problems } = report.result({}).json as { problems: { code: string }[] };
  return { registry, state: await readAll(registry), codes: problems.map(({ code }) => code) };
}

const blobPath = (at: number): string => {
  const digest = artifact.blobs.at(at)?.descriptor.digest;
  if (!digest) throw new Error('no blob');
  return join(target, exportPaths.blob(digest));
};
const layout = (): string => join(target, exportPaths.layout(app));

test('bytes under a wrong digest are not imported', async () => {
  await writeFile(blobPath(0), 'other bytes');
  const { registry, state, codes } = await imported();
  expect(codes).toEqual(['DIGEST_MISMATCH', 'MANIFEST_UNKNOWN']);
  expect(state).toEqual({});
  expect(
    await registry.blobs.size(app, artifact.blobs[0]?.descriptor.digest ?? digestOf(bytesOf(''))),
  ).toBeUndefined();
});

test.each([
  ['of a blob', () => blobPath(0)],
  ['of the directory of blobs', () => join(target, 'blobs')],
  ['of a list', () => join(layout(), 'index.json')],
])('a symbolic link in the place %s is not followed', async (_, pathOf) => {
  const path = pathOf();
  await rename(path, join(work.path, 'elsewhere'));
  await symlink(join(work.path, 'elsewhere'), path);
  const { state, codes } = await imported();
  expect(new Set(codes)).toContain('POLICY_REFUSED');
  expect(state).toEqual({});
});

test('a repository has only what its list names, whatever other repositories have', async () => {
  const secret = image({ layers: [{ key: 'secret' }] });
  const from = createHostedRegistry(createMemoryObjectStore());
  await store(from, shared, secret, [tag]);
  const index = imageIndex({ manifests: [{ artifact: secret }] });
  await from.manifests.put(app, index.manifest, { tags: [tag], isSparse: true });
  await from.manifests.put(app, secret.manifest, { tags: [], isSparse: true });
  const path = join(work.path, 'two');
  const directory = new ExportDirectory(path);
  await exportRepositories({ registry: from, directory }, new TransferReport());
  const { state, codes } = await imported(path);
  expect(codes).toEqual([]);
  expect(state).toEqual(await readAll(from));
  const [, layer] = secret.blobs;
  expect(JSON.stringify(state[app])).toContain(`"${layer?.descriptor.digest}":"missing"`);
});

const line = (fields: object): string =>
  JSON.stringify({
    mediaType: mediaTypes.imageManifest,
    digest: artifact.manifest.descriptor.digest,
    size: artifact.manifest.descriptor.size,
    ...fields,
  });

test.each([
  ['no JSON', '{'],
  ['another digest', line({ digest: 'sha256:../../etc' })],
  ['a size that is none', line({ size: -1 })],
  ['a manifest too large', line({ size: 1e12 })],
  ['a name that is no tag', line({ annotations: { 'org.opencontainers.image.ref.name': '../x' } })],
  ['a time that is none', line({ annotations: { 'oci-server.pushed': 'yesterday' } })],
  ['digests that are none', line({ annotations: { 'oci-server.missing': 'a b' } })],
  ['a line without end', 'x'.repeat(9 * 1024 * 1024)],
])('a list with %s is refused, and the other repositories are imported', async (_, entry) => {
  const text = await readFile(join(layout(), 'index.json'), 'utf8');
  const [head] = text.split('\n');
  const other = join(target, 'repositories/other/_layout');
  await mkdir(other, { recursive: true });
  await writeFile(join(other, 'index.json'), `${head}\n${entry}\n]}\n`);
  const { state, codes } = await imported();
  expect(codes).toEqual([entry.length > 1000 ? 'LIMIT_EXCEEDED' : 'DOCUMENT_INVALID']);
  expect(Object.keys(state)).toEqual([app]);
});

test('a list that was cut off is refused', async () => {
  const path = join(layout(), 'index.json');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.slice(0, text.lastIndexOf('\n]')));
  expect(await imported()).toMatchObject({ state: {}, codes: ['DOCUMENT_INVALID'] });
});

test('a name that is none, and a linked directory, are told and left out', async () => {
  await mkdir(join(target, 'repositories/UPPER/_layout'), { recursive: true });
  await symlink(join(target, 'repositories/team'), join(target, 'repositories/twin'));
  const { state, codes } = await imported();
  expect(codes).toEqual(['REFERENCE_INVALID', 'POLICY_REFUSED']);
  expect(Object.keys(state)).toEqual([app]);
});

test('an image layout becomes the repository that it is imported as', async () => {
  const path = join(work.path, 'layout');
  const repository = await LayoutDirectory.open(path, { create: true });
  const index = imageIndex();
  for (const child of index.children) {
    for (const { descriptor, bytes } of child.blobs)
      await repository.pushBlob(descriptor, inChunks(bytes));
    await repository.pushManifest(child.manifest);
  }
  await repository.pushManifest(index.manifest, { tag: 'V1' });
  await repository.pushManifest(index.manifest, { tag: 'example.org/no/tag:1' });
  const { state, codes } = await imported(path, { into: 'team/layout' });
  expect(codes).toEqual([]);
  expect(state).toMatchObject({
    'team/layout': { tags: { V1: { digest: index.manifest.descriptor.digest } } },
  });
  expect(Object.keys(Object(state['team/layout']).manifests)).toHaveLength(3);
  await expect(imported(path)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(imported(path, { into: 'a', repository: ['a'] })).rejects.toMatchObject({
    code: 'USAGE',
  });
});

test('what is nothing of all that is refused', async () => {
  await expect(imported(join(work.path, 'nothing'))).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
  });
  await mkdir(join(work.path, 'empty'));
  await expect(imported(join(work.path, 'empty'))).rejects.toMatchObject({ code: 'USAGE' });
  await rm(join(target, exportPaths.mark));
  await expect(imported()).rejects.toMatchObject({ code: 'USAGE' });
});
