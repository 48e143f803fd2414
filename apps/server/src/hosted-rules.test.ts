import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { mediaTypes } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  bytesOf,
  compile,
  peer,
  run,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { createOciServerClient } from './client/index.js';
import type { HostedRules } from './hosted/rules/hosted-rules.js';
import type { ServerOptions } from './server-options.js';
import { type RunningServer, startServer } from './server.js';

const repository = 'team/app';
const immutableTags = [{ repositories: ['team/**'], tags: ['v*'] }];

let work: TemporaryDirectory;
let server: RunningServer;

function options(rules: Partial<HostedRules>): ServerOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work.path, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
    audit: { dir: join(work.path, 'audit') },
    rules: { immutableTags: [], retention: [], ...rules },
  };
}

beforeEach(async () => {
  work = await temporaryDirectory();
  server = await startServer(options({ immutableTags }));
});
afterEach(async () => {
  await server.close();
  await work.remove();
});

function manifestOf(text: string) {
  const { imageIndex: mediaType } = mediaTypes;
  const document = { schemaVersion: 2, mediaType, manifests: [], annotations: { text } };
  return describeManifest(bytesOf(JSON.stringify(document)));
}

async function ask(method: string, reference: string, text?: string) {
  const answer = await fetch(`${server.url}/v2/${repository}/manifests/${reference}`, {
    method,
    headers: { 'content-type': mediaTypes.imageIndex },
    ...(text !== undefined && { body: Buffer.from(manifestOf(text).bytes) }),
  });
  const said = await answer.text();
  return { status: answer.status, said };
}

const push = (tag: string, text: string) => ask('PUT', tag, text);
const digestOf = (text: string): string => manifestOf(text).descriptor.digest;

async function auditLines(): Promise<readonly Record<string, unknown>[]> {
  const log = await readFile(join(work.path, 'audit', 'audit.jsonl'), 'utf8');
  return log.split('\n').flatMap((line) => (line ? [JSON.parse(line) as object] : [])) as [];
}

test('an immutable tag answers a push and deletions with 409 DENIED, in the audit log and the metrics', async () => {
  expect((await push('v1', 'one')).status).toBe(201);
  expect((await push('v1', 'one')).status).toBe(201);
  const [one, message] = [digestOf('one'), `${repository}:v1 is immutable and `];
  const moved = `${message}points to ${one}: push another tag`;
  expect(await push('v1', 'two')).toEqual({
    status: 409,
    said: JSON.stringify({ errors: [{ code: 'DENIED', message: moved }] }),
  });
  expect(await ask('DELETE', 'v1')).toEqual({
    status: 409,
    said: JSON.stringify({ errors: [{ code: 'DENIED', message: `${message}cannot be deleted` }] }),
  });
  expect(await ask('DELETE', one)).toMatchObject({
    status: 409,
    said: expect.stringContaining('the immutable tag v1 points to it'),
  });
  expect((await ask('GET', 'v1')).said).toBe(Buffer.from(manifestOf('one').bytes).toString());
  expect((await push('latest', 'two')).status).toBe(201);
  expect((await ask('DELETE', 'latest')).status).toBe(202);
  await expect
    .poll(async () => (await auditLines()).filter(({ result }) => result === 'denied'))
    .toMatchObject([
      { event: 'push', reference: 'v1', detail: 'immutable tag' },
      { event: 'delete', reference: 'v1', detail: 'immutable tag' },
      { event: 'delete', reference: one, detail: 'immutable tag' },
    ]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('oci_denials_total{reason="immutable tag"} 3');
});

test('rules are taken over while the server runs', async () => {
  await push('v1', 'one');
  const { needsRestart } = await server.reload(options({}));
  expect(needsRestart).toEqual([]);
  expect((await push('v1', 'two')).status).toBe(201);
  await server.reload(options({ immutableTags }));
  expect((await push('v1', 'one')).status).toBe(409);
});

test('manifests that were sent are counted, heads and what a client has are not, and an end loses nothing', async () => {
  await push('v1', 'one');
  await push('v2', 'two');
  const pull = async (reference: string, init?: RequestInit): Promise<void> => {
    const url = `${server.url}/v2/${repository}/manifests/${reference}`;
    await (await fetch(url, init)).arrayBuffer();
  };
  for (const reference of ['v1', digestOf('one'), 'v2']) await pull(reference);
  await pull('v2', { method: 'HEAD' });
  await pull('v2', { headers: { 'if-none-match': `"${digestOf('two')}"` } });
  await pull('v3');
  await server.close();
  server = await startServer(options({}));
  const client = createOciServerClient({ url: server.url });
  const counts = { [digestOf('one')]: 2, [digestOf('two')]: 1 };
  const all = await client.listUsage({ repository });
  expect(Object.fromEntries(all.manifests.map(({ digest, pulls }) => [digest, pulls]))).toEqual(
    counts,
  );
  expect(Date.parse(all.manifests[0]?.last_pulled_at ?? '')).toBeGreaterThan(0);
  const first = await client.listUsage({ repository, limit: 1 });
  expect(first).toMatchObject({ manifests: [all.manifests[0]], next: all.manifests[0]?.digest });
  const second = await client.listUsage({ repository, limit: 1, after: first.next ?? undefined });
  expect(second.manifests).toEqual([all.manifests[1]]);
  const after = second.manifests[0]?.digest;
  expect(await client.listUsage({ repository, after })).toMatchObject({
    manifests: [],
    next: null,
  });
});

describePeer('oras', 'oras at a server with rules', () => {
  test('says why a push of an immutable tag is refused, and does not try again', async () => {
    await push('v1', 'one');
    await writeFile(join(work.path, 'a.txt'), 'text');
    const target = `${new URL(server.url).host}/${repository}:v1`;
    const end = await run(peer('oras') ?? 'oras', ['push', '--plain-http', target, 'a.txt'], {
      cwd: work.path,
    });
    expect(end.exitCode).not.toBe(0);
    expect(end.stderr).toContain(`denied: ${repository}:v1 is immutable and points to`);
    const denials = async () =>
      (await auditLines()).filter(({ detail }) => detail === 'immutable tag');
    await expect.poll(denials).toHaveLength(1);
  });
});

test('ocictl says what to do instead, in text and as JSON', async () => {
  await push('v1', 'one');
  await writeFile(join(work.path, 'a.txt'), 'text');
  const ocictl = await compile(
    `import { start } from '../../cli/src/start.js'; await start(process.argv.slice(2));`,
    { from: import.meta.url, directory: work.path },
  );
  const env = { HOME: work.path, OCI_CONFIG: '', OCI_REGISTRY_URL: server.url };
  const target = `${new URL(server.url).host}/${repository}:v1`;
  const cwd = work.path;
  const command = (...args: readonly string[]) =>
    run(process.execPath, [ocictl, ...args], { env, cwd });
  const pushed = await command('push', target, 'a.txt', '--force');
  const { host } = new URL(server.url);
  expect(pushed).toMatchObject({ exitCode: 9, stdout: '' });
  expect(pushed.stderr).toContain(`error: ${host} lets nobody replace ${repository}:v1`);
  expect(pushed.stderr).toContain(`registry: DENIED: ${repository}:v1 is immutable`);
  expect(pushed.stderr).toContain('hint: Push another version');
  const deleted = await command('delete', target, '--yes', '--format', 'json');
  expect(deleted.exitCode).toBe(9);
  expect(JSON.parse(deleted.stderr)).toMatchObject({
    error: { code: 'POLICY_REFUSED', registry_errors: [{ code: 'DENIED' }] },
  });
}, 60_000);

test('a run of retention is asked for, watched as a job, and in the audit log', async () => {
  await server.reload(
    options({ retention: [{ repositories: ['team/**'], tags: ['*'], keepLast: 1 }] }),
  );
  await push('a', 'one');
  await push('b', 'two');
  const client = createOciServerClient({ url: server.url });
  const ended = async (dryRun: boolean) => {
    const { id } = await client.runRetention({ dry_run: dryRun });
    let job = await client.getJob({ id });
    await expect
      .poll(async () => (job = await client.getJob({ id })).state)
      .toMatch(/^(?:done|failed)$/);
    return job;
  };
  const removals = [{ kind: 'tags', repository, tag: 'a', digest: digestOf('one') }];
  expect(await ended(true)).toMatchObject({
    state: 'done',
    retention: { dry_run: true, result: 'done', removals },
  });
  expect((await ask('GET', 'a')).status).toBe(200);
  expect(await ended(false)).toMatchObject({ state: 'done', retention: { removals } });
  expect((await ask('GET', 'a')).status).toBe(404);
  expect((await ask('GET', 'b')).status).toBe(200);
  await expect
    .poll(async () => (await auditLines()).filter(({ source }) => source === 'retention'))
    .toMatchObject([
      { event: 'delete', result: 'ok', who: 'anonymous', repository, reference: 'a' },
    ]);
  const { retention } = await client.getStorage(undefined);
  expect(retention).toMatchObject({ running_since: null, last: { dry_run: false } });
});
