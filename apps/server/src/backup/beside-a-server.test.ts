import { join } from 'node:path';

import { createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { image, imageIndex, temporaryDirectory } from '@oci/testing';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { finish, scheduledStore } from '../../test/scheduled-store.js';
import { readAll, store } from '../../test/stored-repositories.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { readOnlyStore } from '../hosted/read-only-store.js';
import { ExportDirectory } from './export-directory.js';
import { exportRepositories } from './export-repositories.js';
import { importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

const numRuns = Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 12);
const app = parseRepositoryName('app');
const stable = image({ layers: [{ stable: '1' }] });
const pushedAgain = image({ layers: [{ again: '1' }] });
const index = imageIndex({ manifests: [{ artifact: image({ layers: [{ index: '1' }] }) }] });
const [stays, again, moving] = ['stays', 'again', 'moving'].map(parseTag) as [
  ReturnType<typeof parseTag>,
  ReturnType<typeof parseTag>,
  ReturnType<typeof parseTag>,
];

/** What a server does meanwhile; each whole by itself, and in the order of its line. */
const steps = {
  /** Takes a manifest with its blobs away, and brings it back. */
  async again(server: HostedRegistry) {
    await server.manifests.delete(app, pushedAgain.manifest.descriptor.digest);
    for (const { descriptor } of pushedAgain.blobs)
      await server.blobs.unlink(app, descriptor.digest);
    await store(server, app, pushedAgain, [again]);
  },
  async move(server: HostedRegistry) {
    await store(server, app, index, [moving]);
  },
  async delete(server: HostedRegistry) {
    await server.manifests.delete(app, index.manifest.descriptor.digest);
  },
  async collect(server: HostedRegistry) {
    await server.collection.collect();
  },
} as const;

test(
  'whatever a server does during an export, each tag in it leads to whole content',
  async () => {
    const line = fc.array(fc.constantFrom('again', 'move', 'delete', 'collect'), {
      minLength: 1,
      maxLength: 4,
    });
    const property = fc.asyncProperty(fc.scheduler(), line, async (scheduler, names) => {
      await using work = await temporaryDirectory();
      const memory = createMemoryObjectStore();
      const seed = createHostedRegistry(memory);
      await store(seed, app, stable, [stays, moving]);
      await store(seed, app, pushedAgain, [again]);
      const server = createHostedRegistry(scheduledStore(memory, scheduler));
      const read = scheduledStore(readOnlyStore(memory), scheduler);
      const report = new TransferReport();
      const target = join(work.path, 'export');
      const exporting = exportRepositories(
        { registry: createHostedRegistry(read), directory: new ExportDirectory(target) },
        report,
      );
      const serving = async (): Promise<void> => {
        for (const name of names) await steps[name](server);
      };
      await finish(scheduler, Promise.all([exporting, serving()]));
      const restored = createHostedRegistry(createMemoryObjectStore());
      const source = await openImportSource(target);
      await importRepositories({ registry: restored, source }, report);
      expect(report.result({}).json).toMatchObject({ problems: [] });
      const state = Object(await readAll(restored)) as {
        app: { manifests: Record<string, unknown>; tags: Record<string, { digest: string }> };
      };
      const { manifests, tags } = state.app;
      expect(tags).toHaveProperty('stays.digest', stable.manifest.descriptor.digest);
      const tagged = Object.values(tags).map(({ digest }) => manifests[digest]);
      expect(JSON.stringify(tagged)).not.toContain('missing');
      // The children of an index are manifests.
      const isIndex = tags['moving']?.digest === index.manifest.descriptor.digest;
      const children = isIndex ? index.children : [];
      const wanted = children.map(({ manifest }) => manifest.descriptor.digest);
      expect(Object.keys(manifests)).toEqual(expect.arrayContaining(wanted));
    });
    await fc.assert(property, { numRuns });
  },
  60_000 + numRuns * 2000,
);
