import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type ObjectStore, createFileObjectStore, createMemoryObjectStore } from '@oci/cache';
import { createS3ObjectStore } from '@oci/cache/s3';
import { type Versitygw, startVersitygw, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { randomGraph, readAll, storeGraph } from '../../test/stored-repositories.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { ExportDirectory } from './export-directory.js';
import { exportRepositories } from './export-repositories.js';
import { importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

/** Exports, exports again, and imports into an empty storage; all is there, and the second times do nothing. */
async function expectRoundTrip(
  from: ObjectStore,
  to: ObjectStore,
  graph: Parameters<typeof storeGraph>[1],
): Promise<void> {
  await using work = await temporaryDirectory();
  const source = createHostedRegistry(from);
  await storeGraph(source, graph);
  const target = join(work.path, 'export');
  const exported = async (): Promise<TransferReport> => {
    const report = new TransferReport();
    const directory = new ExportDirectory(target);
    await exportRepositories({ registry: createHostedRegistry(from), directory }, report);
    return report;
  };
  expect(await exported()).toMatchObject({ problemCount: 0 });
  const again = await exported();
  expect(again).toMatchObject({ problemCount: 0, bytes: 0 });
  const before = await readAll(source);
  const imported = async (): Promise<TransferReport> => {
    const report = new TransferReport();
    const registry = createHostedRegistry(to);
    const opened = await openImportSource(target);
    await importRepositories({ registry, source: opened }, report);
    expect(await readAll(createHostedRegistry(to))).toEqual(before);
    return report;
  };
  expect(await imported()).toMatchObject({ problemCount: 0 });
  expect(await imported()).toMatchObject({ problemCount: 0, bytes: 0, tags: { copied: 0 } });
  expect(JSON.parse(await readFile(join(target, 'export.json'), 'utf8'))).toMatchObject({
    complete: true,
    problems: 0,
  });
}

describe('what is exported and imported is what it was', () => {
  test('in memory', async () => {
    const property = fc.asyncProperty(randomGraph, (graph) =>
      expectRoundTrip(createMemoryObjectStore(), createMemoryObjectStore(), graph),
    );
    await fc.assert(property, { numRuns: 10 });
  }, 120_000);

  test('on files', async () => {
    const property = fc.asyncProperty(randomGraph, async (graph) => {
      await using work = await temporaryDirectory();
      const files = (name: string): ObjectStore =>
        createFileObjectStore(join(work.path, name), { isExclusive: true, fsync: false });
      await expectRoundTrip(files('from'), files('to'), graph);
    });
    await fc.assert(property, { numRuns: 4 });
  }, 120_000);
});

describePeer('versitygw', 'what is exported and imported is what it was', () => {
  let gateway: Versitygw;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  test('in buckets, and from a bucket to files', async () => {
    const bucket = async (): Promise<ObjectStore> => {
      const { endpoint, region, credentials } = gateway;
      const connection = { endpoint, region, credentials, pathStyle: true };
      return createS3ObjectStore({ bucket: await gateway.createBucket(), connection });
    };
    const property = fc.asyncProperty(randomGraph, async (graph) => {
      await using work = await temporaryDirectory();
      const files = createFileObjectStore(work.path, { isExclusive: true, fsync: false });
      await expectRoundTrip(await bucket(), files, graph);
      await expectRoundTrip(await bucket(), await bucket(), graph);
    });
    await fc.assert(property, { numRuns: 2 });
  }, 120_000);
});
