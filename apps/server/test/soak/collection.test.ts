import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { type ObjectStore, createFileObjectStore } from '@oci/cache';
import { createS3ObjectStore } from '@oci/cache/s3';
import { isOciError, parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { randomBytes, startVersitygw, temporaryDirectory } from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { CollectionReport } from '../../src/hosted/collection/collection-report.js';
import { newDataId } from '../../src/hosted/content.js';
import type { ContentRecord } from '../../src/hosted/content-index.js';
import { type HostedRegistry, createHostedRegistry } from '../../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../../src/hosted/json-object.js';
import { contentKeyOfLink, idOfDataKey, keys } from '../../src/hosted/keys.js';
import { Records } from '../../src/hosted/records.js';
import { registryHandler } from '../registry-handler.js';
import {
  type Load,
  Pusher,
  type Random,
  oneOf,
  owing,
  pool,
  pull,
  pullAlong,
  randomOf,
  repositoryNamed,
} from './registry-load.js';

/** `OCI_SOAK_COLLECTION_SECONDS=600` for the long run; `OCI_SOAK_SEED` for one that was seen. */
const seconds = Number(process.env['OCI_SOAK_COLLECTION_SECONDS'] ?? 4);
const seed = Number(process.env['OCI_SOAK_SEED'] ?? Date.now() % 2 ** 31);
const clients = 20;
/** Ages that let things go within the long run; in the short one only the last collection finds them old. */
const ages = { stagedMs: 10_000, uploadMs: 20_000, objectsPerSecond: 0 };
const minute = 60_000;

/** Storage that two servers share, each with a store of its own or one for both. */
function soak(makeStores: () => Promise<readonly [ObjectStore, ObjectStore]>): void {
  test(
    'what was acknowledged stays, and the rest goes, while collections run',
    async () => {
      process.stdout.write(`collection soak: ${seconds} s, seed ${seed}\n`);
      const stores = await makeStores();
      const registries = stores.map((store) => createHostedRegistry(store, { collection: ages }));
      const servers = await Promise.all(registries.map(serve));
      const ending = new AbortController();
      const load: Load = {
        urls: servers.map(({ url }) => url),
        repositories: Array.from({ length: 2 * clients }, (_, at) => repositoryNamed(`r/${at}`)),
        violations: [],
        counts: new Map(),
        signal: ending.signal,
      };
      const reports: CollectionReport[] = [];
      const [store] = stores;
      const work = [
        ...clientsOf(load),
        collectAlong(registries, ending.signal, reports),
        crashAlong(store, randomOf(seed - 1), ending.signal),
      ];
      // A client that fails ends the others.
      await Promise.race([sleep(seconds * 1000), Promise.all(work)]);
      ending.abort();
      await Promise.all(work);
      await leaveEach(store);
      for (const registry of registries)
        reports.push(await registry.collection.collect({ now: Date.now() + minute }));
      await pullAll(load);
      await Promise.all(servers.map(({ close }) => close()));
      tell(load, reports);
      expect(load.violations).toEqual([]);
      expect(await orphans(store)).toEqual([]);
      const kinds = ['uploads', 'content', 'links', 'data', 'repositories'] as const;
      for (const kind of kinds) expect(removedOf(reports, kind)).toBeGreaterThan(0);
      const unexpected = [...load.counts.keys()].filter((what) => what.endsWith(' 500'));
      expect(unexpected).toEqual([]);
    },
    seconds * 1000 + 2 * minute,
  );
}

function clientsOf(load: Load): readonly Promise<void>[] {
  return Array.from({ length: clients }, (_, at) => {
    const own = load.repositories.slice(2 * at, 2 * at + 2);
    return [
      new Pusher(load, randomOf(seed + at), own).run(),
      pullAlong(load, randomOf(seed + 1000 + at)),
    ];
  }).flat();
}

/** One collection after another, by both servers. */
async function collectAlong(
  registries: readonly HostedRegistry[],
  signal: AbortSignal,
  reports: CollectionReport[],
): Promise<void> {
  for (let at = 0; !signal.aborted; at += 1) {
    const registry = registries[at % registries.length];
    try {
      const report = await registry?.collection.run({ signal });
      if (report) reports.push(report);
    } catch (error) {
      if (!isOciError(error, 'ABORTED')) throw error;
    }
  }
}

/** Leaves what processes leave that are killed in the middle of a push, a deletion or a collection. */
async function crashAlong(store: ObjectStore, random: Random, signal: AbortSignal): Promise<void> {
  const { blobs } = createHostedRegistry(store);
  const records = new Records(store);
  for (let at = 0; !signal.aborted; at += 1) {
    const name = parseRepositoryName(`crashed/${at}`);
    const { digest, bytes } = oneOf(random, pool);
    const what = random();
    if (what < 0.3)
      await store.put(keys.data(newDataId()), bodyOf(randomBytes(at, 500 + 100 * random())));
    else if (what < 0.4) await records.change(keys.repository(name), () => ({ since: 1 }));
    else if (what < 0.8) {
      await blobs.put(name, {
        descriptor: { digest, size: bytes.byteLength },
        body: bodyOf(bytes),
      });
      await store.delete(keys.link(digest, name));
    } else
      await records.change<ContentRecord>(
        keys.content(digest),
        (content) => content && { ...content, condemned: true },
      );
    await sleep(20);
  }
}

/** Leaves one of each kind, of content that nobody else has. */
async function leaveEach(store: ObjectStore): Promise<void> {
  const registry = createHostedRegistry(store);
  const name = parseRepositoryName('crashed/last');
  const bytes = randomBytes(seed, 300);
  const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
  await registry.blobs.put(name, { descriptor, body: bodyOf(bytes) });
  await store.delete(keys.link(descriptor.digest, name));
  await store.put(keys.data(newDataId()), bodyOf(bytes));
  await new Records(store).change(keys.repository(name), () => ({ since: 1 }));
  await registry.uploads.begin(name, 'crashed');
  // The first of the last collections condemns it, the second removes it.
  const unnamed = randomBytes(seed + 1, 300);
  await registry.blobs.put(name, {
    descriptor: { digest: digestOf(unnamed), size: unnamed.byteLength },
    body: bodyOf(unnamed),
  });
}

async function pullAll(load: Load): Promise<void> {
  for (const url of load.urls)
    for (const repository of load.repositories)
      for (const [kind, all] of [
        ['blobs', repository.blobs],
        ['manifests', repository.manifests],
        ['manifests', repository.tags],
      ] as const)
        for (const [reference, stored] of all) {
          const isOwed = kind === 'manifests' || owing(repository, stored)();
          const path = `${repository.name}/${kind}/${reference}`;
          await pull(load, `${url}/v2/${path}`, () => (isOwed ? stored : undefined));
        }
}

/** What nothing refers to. */
async function orphans(store: ObjectStore): Promise<readonly string[]> {
  const records = new Records(store);
  const found: string[] = [];
  const linked = new Set<string>();
  for await (const { key } of records.entries(keys.allLinks)) linked.add(contentKeyOfLink(key));
  const data = new Set<string>();
  for await (const { key } of records.entries(keys.allContent)) {
    if (!linked.has(key)) found.push(key);
    const record = await records.get<ContentRecord>(key);
    if (record) data.add(record.data);
  }
  for await (const key of store.list(keys.allData))
    if (!data.has(idOfDataKey(key))) found.push(key);
  for await (const { key } of records.entries(keys.uploads)) found.push(key);
  return found;
}

function removedOf(
  reports: readonly CollectionReport[],
  kind: keyof CollectionReport['kinds'],
): number {
  return reports.reduce((sum, { kinds }) => sum + kinds[kind].removed, 0);
}

function tell({ counts }: Load, reports: readonly CollectionReport[]): void {
  const bytes = reports
    .flatMap(({ kinds }) => Object.values(kinds))
    .reduce((sum, kind) => sum + kind.bytes, 0);
  const removed = (['uploads', 'repositories', 'content', 'links', 'data'] as const)
    .map((kind) => `${removedOf(reports, kind)} ${kind}`)
    .join(', ');
  const requests = [...counts].map(([what, number]) => `${what}: ${number}`);
  const { rss, heapUsed } = process.memoryUsage();
  const memory = [rss, heapUsed].map((size) => `${Math.round(size / 1024 ** 2)} MiB`).join(', ');
  process.stdout.write(
    `${reports.length} collections removed ${removed}, ${bytes} bytes; ${requests.join(', ')}; memory ${memory}\n`,
  );
}

/** A server of the registry API, on a port of its own. */
async function serve(
  registry: HostedRegistry,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer(registryHandler(registry));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('collections beside clients, on files', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(() => directory.remove());
  soak(async () => {
    const store = createFileObjectStore(directory.path, { isExclusive: true, fsync: false });
    return [store, store];
  });
});

describePeer('versitygw', 'collections beside clients, in a bucket', () => {
  let gateway: Awaited<ReturnType<typeof startVersitygw>>;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());
  soak(async () => {
    const { endpoint, region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const connection = { endpoint, region, credentials, pathStyle: true };
    const open = () => createS3ObjectStore({ bucket, connection });
    return [open(), open()];
  });
});
