import { mkdir, readFile, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { type Digest, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type TemporaryDirectory,
  bytesOf,
  image,
  imageIndex,
  randomBytes,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { bytes as bodyOf } from '../hosted/json-object.js';
import { keys } from '../hosted/keys.js';
import { ExportDirectory } from './export-directory.js';
import { exportPaths } from './export-format.js';
import { type ExportOptions, exportRepositories } from './export-repositories.js';
import { importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

const [app, other, outside] = ['team/app', 'team/other', 'teams/app'].map(parseRepositoryName) as [
  ReturnType<typeof parseRepositoryName>,
  ReturnType<typeof parseRepositoryName>,
  ReturnType<typeof parseRepositoryName>,
];
const [one, two] = ['1', '2'].map(parseTag) as [
  ReturnType<typeof parseTag>,
  ReturnType<typeof parseTag>,
];

/** Larger than what is kept in memory. */
const randomText = Buffer.from(randomBytes(7, 1_200_000)).toString('base64');

let work: TemporaryDirectory;
let target: string;
let memory: ObjectStore;
let registry: HostedRegistry;
beforeEach(async () => {
  work = await temporaryDirectory();
  target = join(work.path, 'export');
  memory = createMemoryObjectStore();
  registry = createHostedRegistry(memory);
});
afterEach(() => work.remove());

async function exported(
  options: ExportOptions = {},
  from: HostedRegistry = createHostedRegistry(memory),
): Promise<TransferReport> {
  const report = new TransferReport();
  const directory = new ExportDirectory(target, { verify: options.verify ?? false });
  await exportRepositories({ registry: from, directory }, report, options);
  return report;
}

/** What an import of the export makes of an empty storage. */
async function restored(): Promise<{ state: Record<string, object>; report: TransferReport }> {
  const report = new TransferReport();
  const into = createHostedRegistry(createMemoryObjectStore());
  const source = await openImportSource(target);
  await importRepositories({ registry: into, source }, report);
  return { state: await readAll(into), report };
}

const problemsOf = (report: TransferReport): unknown =>
  (report.result({}).json as { problems: unknown }).problems;

function layerOf(artifact: ArtifactBytes): Digest {
  const layer = artifact.blobs.at(-1);
  if (!layer) throw new Error('no layer');
  return layer.descriptor.digest;
}

/** Changes a byte of stored content. */
async function damage(digest: Digest): Promise<void> {
  const record = await memory.get(keys.content(digest));
  let text = '';
  for await (const chunk of record?.body ?? []) text += Buffer.from(chunk).toString();
  const { data, size } = JSON.parse(text) as { data: string; size: number };
  await memory.put(keys.data(data), bodyOf(Buffer.alloc(size, 7)));
}

test('exports a namespace, or single repositories, and says when there are none', async () => {
  for (const name of [app, other, outside]) await store(registry, name, image(), [one]);
  await exported({ namespace: ['team/'], repository: ['teams/app'] });
  expect(await restored()).toMatchObject({ state: await readAll(registry) });
  await rm(target, { recursive: true });
  await exported({ namespace: ['team'] });
  expect(Object.keys((await restored()).state)).toEqual([app, other]);
  await expect(exported({ repository: ['team/ap'] })).rejects.toMatchObject({
    code: 'NAME_UNKNOWN',
  });
});

test('a second export brings what is new, and takes away what went only when asked', async () => {
  const [first, second] = [image({ architecture: 'a' }), image({ layers: [{ b: 'b' }] })];
  await store(registry, app, first, [one, two]);
  await store(registry, other, second, [one]);
  await exported();
  await registry.manifests.deleteTag(app, two);
  await store(registry, app, imageIndex(), [one]);
  await registry.manifests.delete(other, second.manifest.descriptor.digest);
  await registry.collection.collect();
  const kept = await exported();
  expect(kept).toMatchObject({ problemCount: 0, tags: { copied: 1 }, manifests: { copied: 3 } });
  const { state } = await restored();
  expect(Object.keys(state)).toEqual([app, other]);
  expect(state[app]).toMatchObject({ tags: { 1: expect.anything(), 2: expect.anything() } });
  const pruned = await exported({ prune: true });
  expect(pruned.removed).toEqual({ repositories: 1, tags: 1, manifests: 0, blobs: 3 });
  expect((await restored()).state).toEqual(await readAll(registry));
  expect(await readdir(join(target, exportPaths.repositories))).toEqual(['team']);
  expect(await readdir(join(target, exportPaths.repositories, 'team'))).toEqual(['app']);
});

test('an export that lost a manifest keeps the blobs that only it names', async () => {
  const artifact = image();
  await store(registry, app, artifact, [one]);
  await exported();
  const { digest } = artifact.manifest.descriptor;
  await rm(join(target, exportPaths.blob(digest)));
  await expect(exported({ prune: true })).rejects.toMatchObject({
    code: 'BLOB_UNKNOWN',
    message: expect.stringContaining(digest),
  });
  expect(await exported({ prune: true, verify: true })).toMatchObject({
    blobs: { copied: 0 },
    removed: { blobs: 0 },
  });
  expect((await restored()).state).toEqual(await readAll(registry));
});

test('reports what is damaged, exports the rest, and keeps what an earlier export has of it', async () => {
  const [good, bad] = [image({ architecture: 'good' }), image({ layers: [{ x: 'bad' }] })];
  await store(registry, app, good, [one]);
  await store(registry, app, bad, [two]);
  await damage(layerOf(bad));
  const report = await exported();
  const { digest } = bad.manifest.descriptor;
  expect(problemsOf(report)).toEqual([
    expect.objectContaining({ repository: app, subject: digest, code: 'DIGEST_MISMATCH' }),
    expect.objectContaining({ repository: app, subject: '2', code: 'MANIFEST_UNKNOWN' }),
  ]);
  const { state, report: imported } = await restored();
  expect(imported.problemCount).toBe(0);
  expect(state[app]).toMatchObject({ tags: { 1: expect.anything() } });
  expect(state[app]).not.toHaveProperty('tags.2');
  await store(createHostedRegistry(memory), app, bad);
  expect(await exported()).toMatchObject({ problemCount: 0, tags: { copied: 1 } });
  expect((await restored()).state).toEqual(await readAll(createHostedRegistry(memory)));
  await damage(layerOf(bad));
  await registry.manifests.deleteTag(app, one);
  expect(await exported({ prune: true, verify: true })).toMatchObject({
    problemCount: 0,
    removed: { tags: 1 },
  });
  expect((await restored()).report.problemCount).toBe(0);
});

test('nothing of a repository with damage is taken away', async () => {
  const [before, after] = [image({ architecture: 'before' }), image({ layers: [{ x: 'bad' }] })];
  await store(registry, app, before, [one, two]);
  await store(registry, other, before, [one]);
  await exported();
  await store(registry, app, after, [one]);
  await registry.manifests.deleteTag(app, two);
  await registry.manifests.delete(other, before.manifest.descriptor.digest);
  await registry.collection.collect();
  await damage(layerOf(after));
  const report = await exported({ prune: true });
  expect(report).toMatchObject({ problemCount: 2, removed: { repositories: 0, tags: 0 } });
  expect((await restored()).state).toMatchObject({
    [app]: { tags: { 1: { digest: before.manifest.descriptor.digest }, 2: expect.anything() } },
    [other]: { tags: { 1: expect.anything() } },
  });
});

test('what was exported without some of its content is looked at again', async () => {
  const artifact = image();
  await registry.manifests.put(app, artifact.manifest, { tags: [one], isSparse: true });
  expect(await exported()).toMatchObject({ problemCount: 0, blobs: { copied: 0 } });
  await store(registry, app, artifact, [one]);
  expect(await exported()).toMatchObject({ blobs: { copied: 4 } });
  expect((await restored()).state).toEqual(await readAll(registry));
});

test('an index of which a manifest is damaged is left out, and so is its tag', async () => {
  const index = imageIndex();
  await store(registry, app, index, [one]);
  const [child] = index.children;
  if (child) await damage(layerOf(child));
  const report = await exported();
  expect(report.problemCount).toBe(3);
  expect((await restored()).state[app]).toMatchObject({ tags: {} });
});

test('brings anew what is damaged in the export, when asked to look', async () => {
  const artifact = image();
  await store(registry, app, artifact, [one]);
  await exported();
  const path = join(target, exportPaths.blob(layerOf(artifact)));
  const content = await readFile(path);
  await writeFile(path, Buffer.alloc(content.byteLength, 7));
  expect(await exported()).toMatchObject({ blobs: { copied: 0 } });
  const { report } = await restored();
  expect(problemsOf(report)).toEqual([
    expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
    expect.objectContaining({ subject: '1' }),
  ]);
  expect(await exported({ verify: true })).toMatchObject({ blobs: { copied: 1 } });
  expect(await readFile(path)).toEqual(content);
  await truncate(path, 1);
  expect(await exported({ verify: true })).toMatchObject({ blobs: { copied: 1 } });
});

test('an import repairs what is damaged in the storage, when asked to look', async () => {
  const artifact = image({ layers: [{ big: randomText }] });
  await store(registry, app, artifact, [one]);
  await exported();
  const before = await readAll(registry);
  const config = artifact.blobs[0]?.descriptor.digest;
  for (const digest of [config, layerOf(artifact), artifact.manifest.descriptor.digest])
    if (digest) await damage(digest);
  const repair = async (verify: boolean): Promise<TransferReport> => {
    const report = new TransferReport();
    const source = await openImportSource(target);
    const into = createHostedRegistry(memory);
    await importRepositories({ registry: into, source }, report, { verify });
    return report;
  };
  expect(await repair(false)).toMatchObject({ blobs: { copied: 0 }, manifests: { copied: 1 } });
  expect(await repair(true)).toMatchObject({ blobs: { copied: 2 }, problemCount: 0 });
  expect(await readAll(createHostedRegistry(memory))).toEqual(before);
});

test('an export that did not end says so, and is imported only when that is wanted', async () => {
  await store(registry, app, image(), [one]);
  await exported();
  const stop = new Error('killed');
  const failing: HostedRegistry = {
    ...registry,
    listRepositories: () => {
      throw stop;
    },
  };
  await expect(exported({}, failing)).rejects.toBe(stop);
  await expect(openImportSource(target)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    hint: expect.stringContaining('--allow-incomplete'),
  });
  expect(await openImportSource(target, { allowIncomplete: true })).toMatchObject({
    type: 'export',
  });
  await exported();
  expect(await openImportSource(target)).toMatchObject({ type: 'export' });
});

/** Runs something once, before a method of a part of the registry is called for the first time. */
function before<P extends 'manifests' | 'blobs'>(
  from: HostedRegistry,
  part: P,
  method: keyof HostedRegistry[P],
  run: () => Promise<void>,
): HostedRegistry {
  let ran: Promise<void> | undefined;
  const once = (): Promise<void> => (ran ??= run());
  const proxy = new Proxy(from[part], {
    get: (target, key) => {
      const call = (Reflect.get(target, key) as (...args: unknown[]) => unknown).bind(target);
      if (key !== method) return call;
      if (key !== 'tags') return (...args: unknown[]) => once().then(() => call(...args));
      return async function* (...args: unknown[]): AsyncGenerator<unknown, void, undefined> {
        await once();
        yield* call(...args) as AsyncIterable<unknown>;
      };
    },
  });
  return { ...from, [part]: proxy };
}

test('follows a tag that moves, and a manifest that goes, while it runs', async () => {
  const [old, now] = [image({ architecture: 'old' }), imageIndex()];
  await store(registry, app, old, [one, two]);
  const moving = before(registry, 'manifests', 'tags', async () => {
    await store(registry, app, now, [one]);
    await registry.manifests.delete(app, old.manifest.descriptor.digest);
  });
  expect(await exported({}, moving)).toMatchObject({ problemCount: 0 });
  const { state } = await restored();
  expect(state[app]).toHaveProperty('tags.1.digest', now.manifest.descriptor.digest);
  expect(state[app]).not.toHaveProperty('tags.2');
});

const big = image({ layers: [{ big: randomText }] });

async function takeAway(): Promise<void> {
  await registry.manifests.delete(app, big.manifest.descriptor.digest);
  for (const { descriptor } of big.blobs) await registry.blobs.unlink(app, descriptor.digest);
}

test.each([
  ['its record is read', 'manifests', 'recordOf'],
  ['its blobs are looked for', 'blobs', 'size'],
  ['its blobs are read', 'blobs', 'open'],
] as const)('a manifest that goes before %s, and comes back, is whole', async (_, part, method) => {
  await store(registry, app, big, [one]);
  const going = before(registry, part, method as never, takeAway);
  expect(await exported({}, going)).toMatchObject({ problemCount: 0 });
  expect((await restored()).state).not.toHaveProperty([app, 'tags', '1']);
  await rm(target, { recursive: true });
  await store(registry, app, big, [one]);
  const back = before(before(registry, part, method as never, takeAway), 'manifests', 'tags', () =>
    store(registry, app, big, [one]),
  );
  expect(await exported({}, back)).toMatchObject({ problemCount: 0, tags: { copied: 1 } });
  expect((await restored()).state).toEqual(await readAll(registry));
});

test('bytes that do not have their digest get no name', async () => {
  const directory = new ExportDirectory(target);
  const { descriptor } = big.manifest;
  const wrong = bodyOf(Buffer.alloc(descriptor.size));
  await expect(directory.writeBlob(descriptor, wrong)).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
  expect(await directory.hasBlob(descriptor)).toBe(false);
});

test('writes into no directory of others, and no second time at once', async () => {
  await mkdir(target);
  await writeFile(join(target, 'file'), '');
  await expect(exported()).rejects.toMatchObject({ code: 'USAGE' });
  await rm(join(target, 'file'));
  await new ExportDirectory(target).held(async () => {
    await expect(exported()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('another export'),
    });
  });
  await store(registry, app, image(), [one]);
  await exported();
  await writeFile(join(target, exportPaths.mark), '{"format":"oci-server-export","version":2}');
  await expect(exported()).rejects.toMatchObject({ code: 'DOCUMENT_INVALID' });
});

test('each repository is an image layout whose blobs are those of all', async () => {
  await store(registry, app, image(), [one]);
  await exported();
  const layout = join(target, exportPaths.layout(app));
  expect(await readFile(join(layout, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}');
  expect(await readlink(join(layout, 'blobs'))).toBe('../../../../blobs');
  const index = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as object;
  expect(index).toMatchObject({ schemaVersion: 2, manifests: [{}, {}] });
  await writeFile(join(layout, 'index.json'), JSON.stringify(index, undefined, 2));
  expect(await exported()).toMatchObject({ problemCount: 1 });
  expect((await restored()).state).toEqual(await readAll(registry));
});

test('a blob whose size a manifest states wrongly is exported as it is', async () => {
  const bytes = bytesOf('content');
  const [digest, size] = [digestOf(bytes), bytes.byteLength];
  await registry.blobs.put(app, { descriptor: { digest, size }, body: bodyOf(bytes) });
  const layers = [{ mediaType: mediaTypes.layerTar, digest, size: size + 1 }];
  const document = { schemaVersion: 2, mediaType: mediaTypes.imageManifest, layers };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  await registry.manifests.put(app, manifest, { tags: [one] });
  expect(await exported()).toMatchObject({ problemCount: 0 });
  expect((await restored()).state).toEqual(await readAll(registry));
});
