import { join } from 'node:path';

import { mediaTypes } from '@oci/spec-types';
import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Receiver, startReceiver, webhookTo } from '../../test/webhook-receiver.js';
import { createAccessToken } from '../access/access-token.js';
import { createOciServerClient } from '../client/index.js';
import type { ServerOptions } from '../server-options.js';
import { type RunningServer, startServer } from '../server.js';

let work: TemporaryDirectory;
let receiver: Receiver;
let server: RunningServer | undefined;
beforeEach(async () => {
  work = await temporaryDirectory();
  receiver = await startReceiver();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await receiver.close();
  await work.remove();
});

function optionsOf(change: Partial<ServerOptions> = {}): ServerOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(work.path, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(work.path, 'cache') },
    events: { source: 'https://registry.example', webhooks: [webhookTo(receiver.url)] },
    ...change,
  };
}

const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: mediaTypes.imageIndex,
  manifests: [],
});
const send = (method: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${server?.url}/v2/team/app/manifests/${path}`, {
    method,
    headers: { 'content-type': mediaTypes.imageIndex, ...headers },
    ...(method === 'PUT' && { body: index }),
  });

test('events say who pushed and deleted, and by which request, as the audit log does', async () => {
  const token = createAccessToken();
  const rules = [{ who: ['token:ci'], namespaces: ['*'], actions: ['push'] as const }];
  const access = { tokens: [{ name: 'ci', hash: token.hash }], rules };
  server = await startServer(optionsOf({ access }));
  const headers = { authorization: `Bearer ${token.secret}`, 'x-request-id': 'r-1' };
  const pushed = await send('PUT', '1.0.0', headers);
  expect(pushed.status).toBe(201);
  const digest = pushed.headers.get('docker-content-digest');
  await receiver.took(1);
  expect(receiver.taken[0]).toMatchObject({
    source: 'https://registry.example',
    type: 'dev.oci-server.manifest.pushed',
    subject: `team/app@${digest}`,
    data: { repository: 'team/app', tags: ['1.0.0'], digest, who: 'token:ci', request_id: 'r-1' },
  });
  expect((await send('PUT', '2.0.0')).status).toBe(401);
  expect((await send('PUT', '2.0.0', { ...headers, 'content-type': 'a/b' })).status).toBe(400);
  expect(receiver.received).toHaveLength(1);
});

test('deletions of tags and manifests are events of their own', async () => {
  server = await startServer(optionsOf());
  const digest = (await send('PUT', '1')).headers.get('docker-content-digest') ?? '';
  await send('PUT', '2');
  expect((await send('DELETE', '2')).status).toBe(202);
  expect((await send('DELETE', digest)).status).toBe(202);
  expect((await send('DELETE', digest)).status).toBe(404);
  await receiver.took(4);
  expect(receiver.taken.slice(2).map(({ type, data }) => [type, data['tags']])).toEqual([
    ['dev.oci-server.tag.deleted', ['2']],
    ['dev.oci-server.manifest.deleted', ['1']],
  ]);
});

test('the API tells what waits and what failed, retries, and tries a webhook', async () => {
  receiver.answer = (_, response) => void response.writeHead(503).end();
  const webhooks = [webhookTo(receiver.url, { giveUpMs: -1 })];
  server = await startServer(optionsOf({ events: { source: 'here', webhooks } }));
  const client = createOciServerClient({ url: server.url });
  expect(await client.pingWebhook({ webhook: 'test' })).toMatchObject({
    delivered: false,
    status: 503,
    reason: 'status 503',
  });
  await send('PUT', '1');
  await expect.poll(() => client.getEvents()).toMatchObject({ pending: 0, undelivered: 1 });
  const events = await client.getEvents();
  const [event] = events.undelivered_events;
  expect(events).toMatchObject({
    pending: 0,
    pending_bytes: 0,
    oldest_pending_at: null,
    delivering: true,
    webhooks: [
      {
        name: 'test',
        events: ['push', 'delete', 'quota'],
        repositories: ['*'],
        failures: 1,
        last_failure: { reason: 'status 503', event: event?.id },
      },
    ],
    undelivered_events: [
      { type: 'dev.oci-server.manifest.pushed', failures: { test: 'status 503' } },
    ],
  });
  expect(JSON.stringify(events)).not.toContain('/hooks/oci');

  receiver.answer = (_, response) => void response.writeHead(204).end();
  expect(await client.retryEvents({ ids: [event?.id ?? ''] })).toEqual({ retried: 1 });
  expect(await client.retryEvents({})).toEqual({ retried: 0 });
  await expect.poll(() => receiver.taken.length).toBe(1);
  expect(await client.pingWebhook({ webhook: 'test' })).toMatchObject({
    delivered: true,
    status: 204,
    reason: null,
  });
  expect(receiver.taken.at(-1)).toMatchObject({
    type: 'dev.oci-server.ping',
    data: { webhook: 'test' },
  });
  await expect(client.pingWebhook({ webhook: 'other' })).rejects.toMatchObject({ status: 404 });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain('oci_webhook_deliveries_total{webhook="test",result="given_up"} 1');
  expect(metrics).toContain('oci_events_pending 0');
});

test('observers see events, and only administrators send any', async () => {
  const [observer, admin] = [createAccessToken(), createAccessToken()];
  const access = {
    tokens: [
      { name: 'observer', hash: observer.hash },
      { name: 'admin', hash: admin.hash },
    ],
    rules: [
      { who: ['token:observer'], namespaces: ['*'], actions: ['observe'] as const },
      { who: ['token:admin'], namespaces: ['*'], actions: ['admin'] as const },
    ],
  };
  server = await startServer(optionsOf({ access }));
  const { url } = server;
  const as = (token?: string) => createOciServerClient({ url, token });
  await expect(as().getEvents()).rejects.toMatchObject({ status: 401 });
  await expect(as(observer.secret).getEvents()).resolves.toMatchObject({ pending: 0 });
  await expect(as(observer.secret).pingWebhook({ webhook: 'test' })).rejects.toMatchObject({
    status: 403,
  });
  await expect(as(observer.secret).retryEvents({})).rejects.toMatchObject({ status: 403 });
  await expect(as(admin.secret).pingWebhook({ webhook: 'test' })).resolves.toMatchObject({
    delivered: true,
  });
});

test('a reload changes who is told', async () => {
  await using other = await startReceiver();
  const options = optionsOf();
  server = await startServer(options);
  await send('PUT', '1');
  await receiver.took(1);
  const webhooks = [webhookTo(other.url, { name: 'other', events: ['delete'] })];
  const { needsRestart } = await server.reload({
    ...options,
    events: { source: 'there', webhooks },
  });
  expect(needsRestart).toEqual([]);
  await send('PUT', '2');
  await send('DELETE', '2');
  await other.took(1);
  expect(other.taken[0]).toMatchObject({ source: 'there', type: 'dev.oci-server.tag.deleted' });
  expect(receiver.received).toHaveLength(1);
});

test('a server without webhooks stores no events', async () => {
  server = await startServer(optionsOf({ events: undefined }));
  await send('PUT', '1');
  const client = createOciServerClient({ url: server.url });
  expect(await client.getEvents()).toMatchObject({ pending: 0, webhooks: [], undelivered: 0 });
});
