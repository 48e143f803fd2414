import { mediaTypes } from '@oci/spec-types';
import { extensionArtifact, kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createOciServerClient, type JobEvent } from '../client/index.js';
import { startServer } from '../server.js';
import { calls } from './calls.js';

/** A server in front of a registry of the test's, and a client of it. */
async function bench() {
  const upstream = await startRegistry();
  for (const version of ['1.0.0', '1.10.0', '1.9.0'])
    upstream.putArtifact('kcl/demo', version, kclPackage({ name: 'demo', version }));
  upstream.putArtifact('kcl/other', '0.1.0', kclPackage({ name: 'other', version: '0.1.0' }));
  const kubernetes = { type: 'taskserv', name: 'kubernetes', version: '1.28.0' } as const;
  upstream.putArtifact('extensions/taskserv/kubernetes', '1.28.0', extensionArtifact(kubernetes));
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    installDir: `${directory.path}/extensions`,
    manager: {
      registryUrl: upstream.url,
      namespace: 'extensions',
      cacheDir: `${directory.path}/cache`,
      connection: { retry: { attempts: 1 } },
    },
  });
  const close = async (): Promise<void> => {
    await server.close();
    await upstream.close();
    await directory.remove();
  };
  const client = createOciServerClient({ url: server.url });
  return { url: server.url, upstream, client, kubernetes, [Symbol.asyncDispose]: close };
}

test('pulls through /v2/ are counted beside those through the API, as the page adds them', async () => {
  await using here = await bench();
  const manifest = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: [] }),
  );
  const url = `${here.url}/v2/team/tool/manifests/1`;
  const headers = { 'content-type': mediaTypes.imageIndex };
  expect((await fetch(url, { method: 'PUT', headers, body: manifest })).status).toBe(201);
  for (const method of ['GET', 'GET', 'HEAD']) await (await fetch(url, { method })).arrayBuffer();
  await (await fetch(`${url}0`)).arrayBuffer();
  await here.client.pullKclPackage({ name: 'demo', version: '1.0.0' });
  const { pulls, registry_pulls: registryPulls } = await here.client.metricsSummary();
  expect({ pulls, registryPulls }).toEqual({ pulls: 1, registryPulls: 2 });
  const script = await (await fetch(`${here.url}/assets/home.js`)).text();
  expect(script).toContain('metrics.pulls + metrics.registry_pulls');
});

test('a pull says where the file is, what it is and where it came from', async () => {
  await using here = await bench();
  const first = await here.client.pullKclPackage({ name: 'demo', version: '1.0.0' });
  expect(first).toMatchObject({
    path: expect.stringMatching(/\/kcl\/demo\/1\.0\.0\/package\.tar\.gz$/),
    digest: expect.stringMatching(/^sha256:/),
    from_cache: false,
    source: new URL(here.upstream.url).host,
  });
  const second = await here.client.pullKclPackage({ name: 'demo', version: '1.0.0' });
  expect(second).toEqual({ ...first, from_cache: true, source: 'cache' });
  const extension = await here.client.pullExtension(here.kubernetes);
  expect(extension.path).toMatch(/taskserv\/kubernetes\/1\.28\.0\/artifact\.tar\.gz$/);
  expect(await here.client.metricsSummary()).toMatchObject({ pulls: 3, cache_hits: 1 });
  const stats = await here.client.cacheStats();
  expect(stats).toMatchObject({ references: 2, views: { count: 2 } });
  expect(await here.client.verifyCache({})).toMatchObject({
    blobs: stats.blobs,
    damaged: [],
    finished: true,
  });
  const bodiless = await fetch(`${here.url}/api/v1/oci/cache/verify`, { method: 'POST' });
  expect(bodiless.status).toBe(200);
  const planned = await here.client.pruneCache({ max_bytes: 0, dry_run: true });
  expect(planned).toMatchObject({ dry_run: true, freed_bytes: expect.any(Number) });
  expect(await here.client.cacheStats()).toEqual(stats);
  expect(await here.client.pruneCache({})).toMatchObject({ dry_run: false, removed: [] });
});

test('artifacts are searched, sorted and read in pages', async () => {
  await using here = await bench();
  const { client } = here;
  const all = await client.browseArtifacts({ namespace: 'kcl' });
  expect(all.artifacts.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'demo 1.0.0',
    'demo 1.9.0',
    'demo 1.10.0',
    'other 0.1.0',
  ]);
  expect(all).toMatchObject({ total: 4, next_cursor: null, stale: false });
  const found = { namespace: 'kcl', search: 'DEM', sort: '-version', limit: 2 } as const;
  const first = await client.browseArtifacts(found);
  expect(first.artifacts.map(({ version }) => version)).toEqual(['1.10.0', '1.9.0']);
  const rest = await client.browseArtifacts({ ...found, cursor: first.next_cursor ?? '' });
  expect(rest.artifacts.map(({ version }) => version)).toEqual(['1.0.0']);
  expect(rest).toMatchObject({ total: 3, next_cursor: null });
  await expect(client.browseArtifacts({ namespace: 'kcl', cursor: 'e30' })).rejects.toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
  });
});

test('listing again asks the registry nothing', async () => {
  await using here = await bench();
  await here.client.listArtifacts({ namespace: 'kcl' });
  const asked = here.upstream.requests.length;
  await here.client.listArtifacts({ namespace: 'kcl' });
  await here.client.browseArtifacts({ namespace: 'kcl', sort: '-size' });
  expect(here.upstream.requests).toHaveLength(asked);
});

test('tells existence, manifests, tags and referrers', async () => {
  await using here = await bench();
  const { client } = here;
  const repository = 'kcl/demo';
  expect(await client.artifactExists({ repository, version: '1.0.0' })).toMatchObject({
    exists: true,
  });
  expect(await client.artifactExists({ repository, version: '9.0.0' })).toMatchObject({
    exists: false,
  });
  expect(await client.listTags({ repository })).toMatchObject({
    tags: expect.arrayContaining(['1.9.0']),
  });
  const { digest, manifest } = await client.getManifest({ repository, version: '1.0.0' });
  expect(manifest).toMatchObject({ schemaVersion: 2 });
  expect(await client.listReferrers({ repository, digest })).toEqual([]);
  expect(await client.clearManifests()).toEqual({ cleared: expect.any(Number) });
  await expect(client.getManifest({ repository, version: '9.0.0' })).rejects.toMatchObject({
    status: 404,
    code: 'MANIFEST_UNKNOWN',
    requestId: expect.any(String),
  });
});

test('installs an extension, by itself and as a job', async () => {
  await using here = await bench();
  const job = await here.client.startJob({ kind: 'install', ...here.kubernetes });
  expect(job).toMatchObject({ kind: 'install', error: null });
  const events: JobEvent[] = [];
  for await (const event of here.client.jobEvents(job.id)) events.push(event);
  expect(events[0]?.event).toBe('job');
  expect(events.at(-1)).toMatchObject({
    event: 'end',
    data: { state: 'done', install: { version: '1.28.0', changed: true } },
  });
  expect(await here.client.installExtension(here.kubernetes)).toMatchObject({ changed: false });
  expect(await here.client.listJobs()).toMatchObject([{ id: job.id, state: 'done' }]);
});

test('lists what is installed, and goes back to the version before', async () => {
  await using here = await bench();
  const { client, kubernetes, upstream } = here;
  const newer = { ...kubernetes, version: '1.29.0' };
  upstream.putArtifact('extensions/taskserv/kubernetes', '1.29.0', extensionArtifact(newer));
  await client.installExtension(kubernetes);
  await client.installExtension(newer);
  expect(await client.listExtensions()).toMatchObject([
    {
      type: 'taskserv',
      name: 'kubernetes',
      current: '1.29.0',
      previous: '1.28.0',
      versions: [{ version: '1.28.0' }, { version: '1.29.0' }],
    },
  ]);
  const back = { type: 'taskserv', name: 'kubernetes' } as const;
  expect(await client.rollbackExtension(back)).toMatchObject({ from: '1.29.0', version: '1.28.0' });
  const none = client.rollbackExtension({ ...back, name: 'none' });
  await expect(none).rejects.toMatchObject({ status: 404, hint: expect.any(String) });
});

test('a job shows its progress, and ends when it is cancelled', async () => {
  await using here = await bench();
  let go = (): void => {};
  const until = new Promise<void>((resolve) => (go = resolve));
  here.upstream.fault({ path: '/blobs/', pause: { afterBytes: 10, until } });
  const { id } = await here.client.startJob({ kind: 'kcl', name: 'demo', version: '1.0.0' });
  for await (const { event } of here.client.jobEvents(id)) if (event === 'progress') break;
  expect(await here.client.getJob({ id })).toMatchObject({ state: 'running' });
  expect(await here.client.cancelJob({ id })).toMatchObject({
    state: 'cancelled',
    error: { code: 'ABORTED' },
  });
  go();
  const ended: JobEvent[] = [];
  for await (const event of here.client.jobEvents(id)) ended.push(event);
  expect(ended.map(({ event }) => event)).toEqual(['job', 'end']);
  const none = here.client.getJob({ id: '00000000-0000-0000-0000-000000000000' });
  await expect(none).rejects.toMatchObject({ status: 404, code: 'NOT_FOUND' });
});

test('a failed job says why', async () => {
  await using here = await bench();
  const { id } = await here.client.startJob({ kind: 'kcl', name: 'demo', version: '7.7.7' });
  for await (const _ of here.client.jobEvents(id));
  expect(await here.client.getJob({ id })).toMatchObject({
    state: 'failed',
    error: { code: 'MANIFEST_UNKNOWN', hint: expect.any(String) },
  });
});

test('a path that is asked in another way says how', async () => {
  await using here = await bench();
  for (const { path, method } of Object.values(calls)) {
    const answer = await fetch(here.url + path.replace('{id}', crypto.randomUUID()), {
      method: 'PUT',
    });
    expect([path, answer.status]).toEqual([path, 405]);
    expect(answer.headers.get('allow')).toContain(method);
  }
});

test('answers have the headers that keep pages apart, and the id that was asked with', async () => {
  await using here = await bench();
  const answer = await fetch(`${here.url}/docs`, {
    headers: { 'x-request-id': 'abc-1', origin: 'https://evil.example' },
  });
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'x-request-id': 'abc-1',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  });
  expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  const other = await fetch(`${here.url}/healthz`, { headers: { 'x-request-id': 'a b' } });
  expect(other.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('pages and document need nothing from elsewhere', async () => {
  await using here = await bench();
  for (const path of ['/', '/docs', '/assets/home.js', '/assets/docs.js', '/assets/style.css']) {
    const answer = await fetch(here.url + path);
    expect(answer.status).toBe(200);
    expect(await answer.text()).not.toMatch(/https?:\/\//);
  }
  const document = (await (await fetch(`${here.url}/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, object>;
  };
  expect(document.openapi).toBe('3.1.0');
  const described = Object.values(document.paths).flatMap((path) => Object.keys(path));
  expect(described).toHaveLength(Object.keys(calls).length + 1);
});
