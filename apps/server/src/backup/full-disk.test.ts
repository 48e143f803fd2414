import { join } from 'node:path';

import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { OciError, parseRepositoryName, parseTag } from '@oci/spec-types';
import { type TemporaryDirectory, image, imageIndex, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { SharedStore } from '../hosted/shared-store.js';
import { ExportDirectory } from './export-directory.js';
import { exportRepositories } from './export-repositories.js';
import { importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

let work: TemporaryDirectory;
let target: string;
let registry: HostedRegistry;
beforeEach(async () => {
  work = await temporaryDirectory();
  target = join(work.path, 'export');
  registry = createHostedRegistry(createMemoryObjectStore());
  const index = imageIndex();
  await store(registry, parseRepositoryName('a'), index, [parseTag('1'), parseTag('2')]);
  const subject = index.manifest.descriptor;
  await store(registry, parseRepositoryName('a'), image({ subject }), [parseTag('signature')]);
  await store(registry, parseRepositoryName('b'), image(), [parseTag('1')]);
});
afterEach(() => work.remove());

const full = (): OciError => new OciError('STORAGE_FULL', 'no space is left');

/** A store with room for so many objects more. */
function roomFor(puts: number, memory: ObjectStore): ObjectStore {
  let left = puts;
  const put: ObjectStore['put'] = async (...args) => {
    left -= 1;
    if (left < 0) throw full();
    return memory.put(...args);
  };
  return Object.assign(new SharedStore(memory), { put });
}

async function imported(memory: ObjectStore): Promise<TransferReport> {
  const report = new TransferReport();
  const source = await openImportSource(target);
  await importRepositories({ registry: createHostedRegistry(memory), source }, report);
  return report;
}

test('an import ends where the disk is full, whichever write it is, and goes on behind it', async () => {
  const directory = new ExportDirectory(target);
  await exportRepositories({ registry, directory }, new TransferReport());
  const before = await readAll(registry);
  let ended = 0;
  for (let puts = 0; ; puts += 7) {
    const memory = createMemoryObjectStore();
    const first = await imported(roomFor(puts, memory)).catch((error: unknown) => error);
    if (first instanceof TransferReport) break;
    ended += 1;
    expect(first).toMatchObject({ code: 'STORAGE_FULL' });
    for (const state of Object.values(await readAll(createHostedRegistry(memory))))
      expect(JSON.stringify(state)).not.toContain('missing');
    expect(await imported(memory)).toMatchObject({ problemCount: 0 });
    expect(await readAll(createHostedRegistry(memory))).toEqual(before);
  }
  expect(ended).toBeGreaterThan(5);
});

/** An export directory on a disk with room for so many blobs. */
class FullDirectory extends ExportDirectory {
  left = 0;

  override async writeBlob(...args: Parameters<ExportDirectory['writeBlob']>): Promise<void> {
    this.left -= 1;
    if (this.left < 0) throw full();
    await super.writeBlob(...args);
  }
}

test('an export ends where the disk is full, says that it is not complete, and goes on', async () => {
  for (let blobs = 0; blobs < 12; blobs += 3) {
    const directory = new FullDirectory(target);
    directory.left = blobs === 0 ? 0 : 3;
    const exporting = exportRepositories({ registry, directory }, new TransferReport());
    await expect(exporting).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(await directory.readMark()).toMatchObject({ complete: false });
  }
  const report = new TransferReport();
  await exportRepositories({ registry, directory: new ExportDirectory(target) }, report);
  expect(report).toMatchObject({ problemCount: 0 });
  expect(report.blobs.present).toBeGreaterThan(5);
  const memory = createMemoryObjectStore();
  await imported(memory);
  expect(await readAll(createHostedRegistry(memory))).toEqual(await readAll(registry));
});
