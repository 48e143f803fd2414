import { temporaryDirectory } from '@oci/testing';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { type OciServerClient, createOciServerClient } from '../client/index.js';
import type { CollectionReport } from '../hosted/collection/collection-report.js';
import { startServer } from '../server.js';
import type { ServerOptions } from '../server-options.js';
import type { JobJson } from './json/job-json.js';
import { collectionJson, collectionJsonSchema } from './json/storage-json.js';

/** A server of its own repositories. */
async function bench(options: Partial<ServerOptions> = {}) {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: { cacheDir: `${directory.path}/cache`, namespace: 'team' },
    audit: { dir: `${directory.path}/audit` },
    ...options,
  });
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  return { url: server.url, [Symbol.asyncDispose]: close };
}

async function ended(client: OciServerClient, { id }: JobJson): Promise<JobJson> {
  for await (const { event, data } of client.jobEvents(id)) if (event === 'end') return data;
  throw new Error('the job has no end');
}

test('a collection is a job, its report stays, and metrics and the audit log have it', async () => {
  await using here = await bench({ collection: { uploadMs: 0, objectsPerSecond: 0 } });
  const client = createOciServerClient({ url: here.url });
  expect((await client.getStorage()).collection).toEqual({
    running_since: null,
    last: null,
    last_dry_run: null,
  });
  const begun = await fetch(`${here.url}/v2/a/blobs/uploads/`, { method: 'POST' });
  const session = new URL(begun.headers.get('location') ?? '', here.url);
  expect((await fetch(session, { method: 'PATCH', body: 'a piece' })).status).toBe(202);
  const dry = await ended(client, await client.collectStorage({ dry_run: true }));
  const uploads = { looked_at: 1, removed: 1, bytes: 7 };
  expect(dry).toMatchObject({ kind: 'collect', state: 'done', error: null, pull: null });
  expect(dry.collection).toMatchObject({ dry_run: true, bytes: 7, kinds: { uploads } });
  expect((await fetch(session)).status).toBe(204);
  const real = await ended(client, await client.collectStorage({}));
  expect(real.collection).toMatchObject({ dry_run: false, result: 'done', kinds: { uploads } });
  expect(real.collection).toMatchObject({
    kinds: { links: { looked_at: 0, removed: 0, bytes: 0, condemned: 0 } },
    unreadable_manifests: 0,
  });
  expect((await fetch(session)).status).toBe(404);
  expect((await client.getStorage()).collection).toEqual({
    running_since: null,
    last: real.collection,
    last_dry_run: dry.collection,
  });
  const metrics = await (await fetch(`${here.url}/metrics`)).text();
  expect(metrics).toContain('oci_storage_collections_total{result="done"} 1');
  expect(metrics).toContain('oci_storage_collected_objects_total{kind="uploads"} 1');
  expect(metrics).toContain('oci_storage_collected_bytes_total{kind="uploads"} 7');
  expect(metrics).toMatch(/oci_storage_collected_timestamp_seconds \d{10}/);
});

test('collecting is for admins, and its reports for observers', async () => {
  const [admin, observer] = [createAccessToken(), createAccessToken()];
  await using here = await bench({
    access: {
      tokens: [
        { name: 'admin', hash: admin.hash },
        { name: 'observer', hash: observer.hash },
      ],
      rules: [
        { who: ['token:admin'], namespaces: ['*'], actions: ['admin'] },
        { who: ['token:observer'], namespaces: ['*'], actions: ['observe'] },
      ],
    },
  });
  const clientOf = (token?: string) => createOciServerClient({ url: here.url, token });
  const all = [clientOf(), clientOf(observer.secret), clientOf(admin.secret)];
  const outcomes = async (call: (client: OciServerClient) => Promise<unknown>) =>
    Promise.all(
      all.map((client) =>
        call(client).then(
          () => 'ok',
          (error: { status: number }) => error.status,
        ),
      ),
    );
  expect(await outcomes((client) => client.collectStorage({ dry_run: true }))).toEqual([
    401,
    403,
    'ok',
  ]);
  expect((await outcomes((client) => client.getStorage())).slice(0, 2)).toEqual([401, 'ok']);
});

test('one collection runs at a time, and its job can be cancelled', async () => {
  await using here = await bench({ collection: { objectsPerSecond: 1 } });
  for (const text of ['one', 'two', 'three', 'four']) {
    const digest = digestOf(Buffer.from(text));
    const upload = `${here.url}/v2/a/blobs/uploads/?digest=${digest}`;
    expect((await fetch(upload, { method: 'POST', body: text })).status).toBe(201);
  }
  const client = createOciServerClient({ url: here.url });
  const job = await client.collectStorage({});
  await expect
    .poll(async () => (await client.getStorage()).collection.running_since)
    .not.toBeNull();
  const second = await ended(client, await client.collectStorage({}));
  expect(second).toMatchObject({ state: 'failed', error: { code: 'STORAGE_FAILED' } });
  expect(await client.cancelJob({ id: job.id })).toMatchObject({ state: 'cancelled' });
  expect((await client.getStorage()).collection).toMatchObject({
    running_since: null,
    last: { result: 'interrupted' },
  });
});

test('the report of a server that did not look at links counts none', () => {
  const counts = { lookedAt: 1, removed: 0, bytes: 0 };
  const kinds = { uploads: counts, repositories: counts, content: counts, data: counts };
  const older = { dryRun: false, beganAt: 1, endedAt: 2, result: 'done', kinds, unreadable: 0 };
  const json = collectionJson(older as unknown as CollectionReport);
  expect(collectionJsonSchema.parse(json)).toEqual(json);
  expect(json.kinds.links).toEqual({ looked_at: 0, removed: 0, bytes: 0, condemned: 0 });
});
