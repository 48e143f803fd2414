import { join } from 'node:path';

import { mediaTypes } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type Versitygw,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Receiver, startReceiver, webhookTo } from '../../test/webhook-receiver.js';
import { createOciServerClient } from '../client/index.js';
import { type RunningServer, startServer } from '../server.js';

describePeer('versitygw', 'events of servers of one bucket', () => {
  let gateway: Versitygw;
  let work: TemporaryDirectory;
  let servers = 0;
  beforeAll(async () => {
    gateway = await startVersitygw();
    work = await temporaryDirectory();
  });
  afterAll(async () => {
    await gateway.close();
    await work.remove();
  });

  function start(bucket: string, receiver: Receiver): Promise<RunningServer> {
    const directory = join(work.path, String((servers += 1)));
    const { endpoint, region, credentials } = gateway;
    return startServer({
      listen: { host: '127.0.0.1', port: 0 },
      dataDir: join(directory, 'registry'),
      storage: { kind: 's3', bucket, endpoint, region, credentials, pathStyle: true },
      manager: { namespace: 'extensions', cacheDir: join(directory, 'cache') },
      events: {
        source: 'here',
        webhooks: [webhookTo(receiver.url)],
        delivery: { pollMs: 50, beatMs: 400 },
      },
      logLevel: 'silent',
    });
  }

  async function push(server: RunningServer, tag: string): Promise<void> {
    const document = {
      schemaVersion: 2,
      mediaType: mediaTypes.imageIndex,
      manifests: [],
      annotations: { tag },
    };
    const answer = await fetch(`${server.url}/v2/team/app/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': mediaTypes.imageIndex },
      body: JSON.stringify(document),
    });
    expect(answer.status).toBe(201);
  }

  const eventsOf = ({ url }: RunningServer) => createOciServerClient({ url }).getEvents();
  const tagsOf = ({ taken }: Receiver): Set<string> =>
    new Set(taken.flatMap(({ data }) => data['tags'] as string[]));

  test('are all delivered, by one server at a time, and by another one when that ends', async () => {
    await using receiver = await startReceiver();
    const bucket = await gateway.createBucket();
    const first = await start(bucket, receiver);
    await expect.poll(async () => (await eventsOf(first)).delivering).toBe(true);
    const second = await start(bucket, receiver);
    const tags = Array.from({ length: 20 }, (_, at) => `both-${at}`);
    await Promise.all(tags.map((tag, at) => push(at % 2 === 0 ? first : second, tag)));
    await expect.poll(() => tagsOf(receiver)).toEqual(new Set(tags));
    expect(receiver.received).toHaveLength(20);
    // The one that does not deliver knows how the other one is getting on.
    await expect
      .poll(async () => (await eventsOf(second)).webhooks[0]?.last_delivered_at)
      .not.toBeNull();
    expect((await eventsOf(second)).delivering).toBe(false);

    receiver.answer = (_, response) => void response.writeHead(503).end();
    await push(second, 'left');
    await first.close();
    await expect.poll(async () => (await eventsOf(second)).delivering).toBe(true);
    receiver.answer = (_, response) => void response.writeHead(204).end();
    await expect.poll(() => [...tagsOf(receiver)]).toContain('left');
    await expect.poll(async () => (await eventsOf(second)).pending).toBe(0);
    await second.close();
  }, 60_000);
});
