import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { type OciServerClient, createOciServerClient } from '../client/index.js';
import { keys } from '../hosted/keys.js';
import { startServer } from '../server.js';
import type { ServerOptions } from '../server-options.js';
import type { JobJson } from './json/job-json.js';

async function bench(options: Partial<ServerOptions> = {}) {
  const directory = await temporaryDirectory();
  const dataDir = join(directory.path, 'registry');
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir,
    manager: { cacheDir: join(directory.path, 'cache'), namespace: 'team' },
    audit: { dir: join(directory.path, 'audit') },
    ...options,
  });
  const push = async (content: Uint8Array): Promise<Digest> => {
    const digest = digestOf(content);
    const url = `${server.url}/v2/a/blobs/uploads/?digest=${digest}`;
    const answer = await fetch(url, { method: 'POST', body: Buffer.from(content) });
    expect(answer.status).toBe(201);
    return digest;
  };
  const damage = async (digest: Digest): Promise<void> => {
    const record = await readFile(join(dataDir, keys.content(digest)), 'utf8');
    const { data } = JSON.parse(record) as { data: string };
    await writeFile(join(dataDir, keys.data(data)), 'other bytes');
  };
  const auditLog = async () => {
    const text = await readFile(join(directory.path, 'audit', 'audit.jsonl'), 'utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; who: string; detail: string });
  };
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  return { url: server.url, server, push, damage, auditLog, [Symbol.asyncDispose]: close };
}

async function ended(client: OciServerClient, { id }: JobJson): Promise<JobJson> {
  for await (const { event, data } of client.jobEvents(id)) if (event === 'end') return data;
  throw new Error('the job has no end');
}

test('a verification is a job, its report stays, and a push repairs what it found', async () => {
  await using here = await bench();
  const client = createOciServerClient({ url: here.url });
  expect((await client.getStorage()).verification).toEqual({
    running_since: null,
    pass: null,
    last: null,
  });
  const [good, bad] = [randomBytes(1, 4000), randomBytes(2, 5000)];
  await here.push(good);
  const digest = await here.push(bad);
  await here.damage(digest);
  const job = await ended(client, await client.verifyStorage({}));
  const finding = { kind: 'content-size', digest, repositories: ['a'], tag: null, missing: [] };
  expect(job).toMatchObject({ kind: 'verify', state: 'done', error: null, collection: null });
  expect(job.verification).toMatchObject({ objects: 2, damaged: 1, findings: [finding] });
  expect((await fetch(`${here.url}/v2/a/blobs/${digest}`)).status).toBe(404);
  expect((await client.getStorage()).verification.last).toMatchObject({ findings: [finding] });
  await here.push(bad);
  expect((await fetch(`${here.url}/v2/a/blobs/${digest}`)).status).toBe(200);
  const again = await ended(client, await client.verifyStorage({}));
  expect(again.verification).toMatchObject({ damaged: 0, healed: [finding] });
  const metrics = await (await fetch(`${here.url}/metrics`)).text();
  expect(metrics).toContain('oci_storage_verified_objects_total 4');
  expect(metrics).toContain('oci_storage_verified_bytes_total 13000');
  expect(metrics).toContain('oci_storage_verification_findings_total{kind="content-size"} 1');
  expect(metrics).toMatch(/oci_storage_verified_timestamp_seconds \d{10}/);
  await here.server.close();
  const lines = (await here.auditLog()).filter(({ event }) => event === 'storage');
  expect(lines.map(({ detail }) => detail)).toEqual([
    'verification done: 2 objects, 4000 bytes, 1 damaged, 0 healed',
    'verification done: 2 objects, 9000 bytes, 0 damaged, 1 healed',
  ]);
});

test('one runs at a time; a job that is cancelled is gone on with by the next', async () => {
  await using here = await bench({ verification: { bytesPerSecond: 1000 } });
  for (const seed of [1, 2, 3]) await here.push(randomBytes(seed, 4000));
  const client = createOciServerClient({ url: here.url });
  const job = await client.verifyStorage({});
  await expect
    .poll(async () => (await client.getStorage()).verification.running_since)
    .not.toBeNull();
  const second = await ended(client, await client.verifyStorage({}));
  expect(second).toMatchObject({ state: 'failed', error: { code: 'STORAGE_FAILED' } });
  expect(await client.cancelJob({ id: job.id })).toMatchObject({ state: 'cancelled' });
  await expect
    .poll(async () => (await client.getStorage()).verification)
    .toMatchObject({ running_since: null, pass: { ended_at: null }, last: null });
});

test('verifying is for admins', async () => {
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
  const outcomes = [undefined, observer.secret, admin.secret].map((token) =>
    createOciServerClient({ url: here.url, token })
      .verifyStorage({})
      .then(
        ({ kind }) => kind,
        (error: { status: number }) => error.status,
      ),
  );
  expect(await Promise.all(outcomes)).toEqual([401, 403, 'verify']);
});
