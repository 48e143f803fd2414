import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseDigest, parseRepositoryName, parseTag } from '@oci/spec-types';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { tappedStore } from '../../test/tapped-store.js';
import { type Receiver, startReceiver, webhookTo } from '../../test/webhook-receiver.js';
import { Metrics } from '../metrics/metrics.js';
import type { CloudEvent } from './cloud-event.js';
import type { DeliveryOptions } from './delivery.js';
import { type ServerEvents, createServerEvents } from './server-events.js';
import { Webhook, type WebhookOptions } from './webhook.js';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const pauses = { baseDelayMs: 5, maxDelayMs: 20, storageMs: 5 };

interface Started extends ServerEvents {
  readonly lines: readonly { readonly message: string; readonly fields: object }[];
  readonly metrics: Metrics;
  use(...webhooks: readonly WebhookOptions[]): void;
  push(repository: string, tag?: string): Promise<void>;
}

let running: Started[] = [];
let receivers: Receiver[] = [];
let store: ObjectStore;
beforeEach(() => {
  store = createMemoryObjectStore();
});
afterEach(async () => {
  await Promise.all(running.map(({ delivery }) => delivery.close(0)));
  await Promise.all(receivers.map((receiver) => receiver.close()));
  [running, receivers] = [[], []];
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  receivers.push(started);
  return started;
}

/** A process that delivers. */
function start(
  options: readonly WebhookOptions[],
  delivery: DeliveryOptions = {},
  isShared = false,
): Started {
  let webhooks = options.map((each) => new Webhook(each));
  const lines: { message: string; fields: object }[] = [];
  const line = (fields: object, message: string): void => void lines.push({ message, fields });
  const metrics = new Metrics({
    cache: async () => undefined,
    jobs: () => ({ queued: 0, running: 0 }),
    audit: () => undefined,
    quotas: async () => [],
    collectedAt: async () => undefined,
    verifiedAt: async () => undefined,
    events: () => events.delivery.figures,
  });
  const events = createServerEvents({
    store,
    isShared,
    webhooks: () => webhooks,
    source: () => 'here',
    metrics,
    log: { info: line, warn: line, error: line },
    delivery: { pauses, ...delivery },
  });
  const started: Started = {
    ...events,
    lines,
    metrics,
    use: (...next) => {
      webhooks = next.map((each) => new Webhook(each));
      events.delivery.update();
    },
    push: (repository, tag = '1') =>
      events.outbox.note({
        type: 'manifest.pushed',
        repository: parseRepositoryName(repository),
        tags: [parseTag(tag)],
        digest,
        mediaType: 'a/b',
        size: 1,
      }),
  };
  events.delivery.start();
  running.push(started);
  return started;
}

const tagsOf = (events: readonly CloudEvent[]): unknown[] =>
  events.map(({ data }) => (data['tags'] as unknown[])[0]);
const distinct = (events: readonly CloudEvent[]): number =>
  new Set(events.map(({ id }) => id)).size;
const isEmpty = async (events: ServerEvents): Promise<boolean> =>
  (await events.outbox.figures()).count === 0;

async function counted(events: Started, result: string): Promise<number> {
  const { values } = await events.metrics.webhookDeliveries.get();
  return values
    .filter(({ labels }) => labels.result === result)
    .reduce((sum, { value }) => sum + value, 0);
}

test('sends each event once, signed, as CloudEvents in their order', async () => {
  const to = await receiver();
  const events = start([webhookTo(to.url, { authorization: 'Bearer secret' })]);
  for (let at = 0; at < 20; at += 1) await events.push('team/app', String(at));
  await to.got(20);
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(tagsOf(to.taken)).toEqual(Array.from({ length: 20 }, (_, at) => String(at)));
  const [{ headers, event } = {}] = to.received;
  expect(headers).toMatchObject({
    'content-type': 'application/cloudevents+json; charset=utf-8',
    authorization: 'Bearer secret',
    'webhook-id': event?.id,
  });
  expect(event).toMatchObject({ specversion: '1.0', type: 'dev.oci-server.manifest.pushed' });
  expect(await counted(events, 'delivered')).toBe(20);
});

test('a webhook that is down stops no other, and gets all in their order when it is back', async () => {
  const up = await receiver();
  const down = await receiver((_, response) => response.destroy());
  const events = start([webhookTo(up.url, { name: 'up' }), webhookTo(down.url, { name: 'down' })]);
  for (let at = 0; at < 10; at += 1) await events.push('team/app', String(at));
  await up.got(10);
  await down.got(3);
  expect((await events.outbox.figures()).count).toBe(10);
  expect(await events.delivery.status()).toMatchObject({
    isDelivering: true,
    webhooks: { up: { failures: 0 }, down: { lastFailure: { why: 'ECONNRESET' } } },
  });
  down.answer = (_, response) => void response.writeHead(200).end('ok');
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(tagsOf(down.taken)).toEqual(Array.from({ length: 10 }, (_, at) => String(at)));
  expect(distinct(up.taken)).toBe(10);
  expect(up.taken).toHaveLength(10);
});

test('an event is the same at each attempt, and its signature is new', async () => {
  let failures = 3;
  const to = await receiver((_, response) => {
    response.writeHead((failures -= 1) >= 0 ? 503 : 204).end();
  });
  const events = start([webhookTo(to.url)]);
  await events.push('team/app');
  await to.got(4);
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(new Set(to.received.map(({ body }) => body)).size).toBe(1);
  expect(new Set(to.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(await counted(events, 'failed')).toBe(3);
});

describe('a failure is told, for', () => {
  test.each<[string, Parameters<typeof startReceiver>[0], string]>([
    ['an error', (_, response) => void response.writeHead(500).end(), 'status 500'],
    [
      'a redirect',
      ({ url }, response) => void response.writeHead(307, { location: `${url}/other` }).end(),
      'status 307: redirects are not followed',
    ],
    ['an answer that never comes', () => {}, 'no answer within 200 ms'],
    ['a connection that is closed', (_, response) => response.destroy(), 'ECONNRESET'],
    [
      'an answer that is no HTTP',
      ({ socket }) => void socket.end('nonsense\r\n\r\n'),
      'HPE_INVALID_CONSTANT',
    ],
    [
      'an answer that speaks another protocol from now on',
      ({ socket }) =>
        void socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
        ),
      'the connection broke',
    ],
  ])('%s', async (_, answer, why) => {
    const to = await receiver(answer);
    const events = start([webhookTo(to.url, { timeoutMs: 200 })]);
    await events.push('team/app');
    await to.got(2);
    const { webhooks } = await events.delivery.status();
    expect(webhooks['test']?.lastFailure?.why).toBe(why);
    expect(to.taken.length).toBeLessThan(1);
    expect(to.received.every(({ event }) => event.type.endsWith('pushed'))).toBe(true);
    expect(JSON.stringify(events.lines)).not.toContain('hooks/oci');
  });
});

test.each<[string, Parameters<typeof startReceiver>[0], number]>([
  [
    'goes on without end',
    (_, response) => {
      response.writeHead(200);
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    },
    // It is not waited for.
    60_000,
  ],
  ['stops in the middle', (_, response) => void response.writeHead(200).write('a'), 300],
  [
    'breaks off',
    (_, response) => void response.writeHead(200).write('a', () => response.destroy()),
    300,
  ],
])('an answer that takes an event and %s counts', async (_, answer, timeoutMs) => {
  const to = await receiver(answer);
  const events = start([webhookTo(to.url, { timeoutMs })]);
  await events.push('team/app', '1');
  await events.push('team/app', '2');
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(to.received).toHaveLength(2);
});

test('a receiver that asks for time gets it, within a bound', async () => {
  const to = await receiver((_, response) => {
    const headers = { 'retry-after': to.received.length === 1 ? '3600' : '0' };
    response.writeHead(429, headers).end();
  });
  const maxRetryAfterMs = 3_600_000;
  const events = start([webhookTo(to.url)], { pauses: { ...pauses, maxRetryAfterMs } });
  const before = Date.now();
  await events.push('team/app');
  await to.got(1);
  const state = async () => (await events.delivery.status()).webhooks['test'];
  await expect.poll(async () => (await state())?.failures).toBe(1);
  expect((await state())?.pausedUntil).toBeGreaterThanOrEqual(before + maxRetryAfterMs);
  // What was changed is tried at once.
  events.use(webhookTo(to.url, { timeoutMs: 4000 }));
  await to.got(3);
  const greedy = await receiver((_, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end();
  });
  const bounded = start([webhookTo(greedy.url)], { pauses: { ...pauses, maxRetryAfterMs: 10 } });
  await bounded.push('team/app');
  await greedy.got(3);
});

test('an event that is refused again and again lets others pass, and is tried on', async () => {
  const to = await receiver((_, response, event) => {
    response.writeHead(isPoison(event) && isRefusing ? 422 : 204).end();
  });
  const isPoison = ({ data }: CloudEvent): boolean => String(data['tags']) === 'poison';
  let isRefusing = true;
  const events = start([webhookTo(to.url)]);
  await events.push('team/app', 'poison');
  for (let at = 0; at < 5; at += 1) await events.push('team/app', String(at));
  await expect.poll(async () => (await events.outbox.figures()).count).toBe(1);
  expect(tagsOf(to.taken)).toEqual(['0', '1', '2', '3', '4']);
  isRefusing = false;
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(tagsOf(to.taken)).toEqual(['0', '1', '2', '3', '4', 'poison']);
});

test('events are given up in the end, kept, and delivered when an administrator wants it', async () => {
  const to = await receiver((_, response) => void response.writeHead(503).end());
  const events = start([webhookTo(to.url, { giveUpMs: -1 })]);
  for (const tag of ['1', '2', '3']) await events.push('team/app', tag);
  await expect.poll(() => isEmpty(events)).toBe(true);
  const { count, newest } = await events.undelivered.list(2);
  expect(count).toBe(3);
  expect(newest.map(({ event }) => event)).toEqual(
    newest.map(({ event }) => event).toSorted(newestFirst),
  );
  expect(newest[0]).toMatchObject({ failures: { test: 'status 503' } });
  expect(await counted(events, 'given_up')).toBe(3);
  expect(events.lines.filter(({ message }) => message === 'gave an event up')).toHaveLength(3);

  to.answer = (_, response) => void response.writeHead(204).end();
  const [first] = newest;
  expect(await events.undelivered.retry(events.outbox, [first?.event.id ?? ''])).toBe(1);
  await expect.poll(() => to.taken.length).toBe(1);
  expect(await events.undelivered.retry(events.outbox)).toBe(2);
  await expect.poll(() => to.taken.length).toBe(3);
  expect(distinct(to.taken)).toBe(3);
  expect((await events.undelivered.list(10)).count).toBe(0);
});

test('an event that one webhook gave up and another still waits for gets to both', async () => {
  const [patient, hasty] = [await receiver(), await receiver()];
  for (const each of [patient, hasty])
    each.answer = (_, response) => void response.writeHead(503).end();
  const events = start([
    webhookTo(patient.url, { name: 'patient' }),
    webhookTo(hasty.url, { name: 'hasty', giveUpMs: -1 }),
  ]);
  await events.push('team/app');
  await expect.poll(async () => (await events.undelivered.list(1)).count).toBe(1);
  await events.undelivered.retry(events.outbox);
  await expect.poll(async () => (await events.undelivered.list(1)).count).toBe(1);
  hasty.answer = (_, response) => void response.writeHead(204).end();
  await events.undelivered.retry(events.outbox);
  await hasty.took(1);
  patient.answer = (_, response) => void response.writeHead(204).end();
  await patient.took(1);
  await expect.poll(() => isEmpty(events)).toBe(true);
  const [event] = patient.taken;
  expect(hasty.taken).toEqual([event]);
});

test('what is being sent when a webhook changes is sent to its end', async () => {
  const to = await receiver(() => {});
  const events = start([webhookTo(to.url)]);
  let answer = (): void => {};
  to.answer = (_, response) => {
    answer = () => void response.writeHead(204).end();
  };
  await events.push('team/app');
  await to.got(1);
  events.use(webhookTo(to.url, { timeoutMs: 4000 }));
  answer();
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(to.received).toHaveLength(1);
});

const newestFirst = (a: CloudEvent, b: CloudEvent): number => (a.id < b.id ? 1 : -1);

test('the oldest events go when too many wait, and pushes go on', async () => {
  const to = await receiver((_, response) => void response.writeHead(503).end());
  const events = start([webhookTo(to.url)], { bounds: { events: 5 } });
  for (let at = 0; at < 12; at += 1) await events.push('team/app', String(at));
  await expect.poll(async () => (await events.outbox.figures()).count).toBe(5);
  const { values } = await events.metrics.droppedEvents.get();
  expect(values[0]?.value).toBe(7);
  expect(events.lines.some(({ message }) => message.startsWith('dropped the oldest'))).toBe(true);
  // One of those that are gone may have been on its way.
  await to.got(to.received.length + 2);
  to.answer = (_, response) => void response.writeHead(204).end();
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(tagsOf(to.taken)).toEqual(['7', '8', '9', '10', '11']);
});

test('a process that ends leaves what it has not sent to the next one', async () => {
  const to = await receiver((_, response) => void response.writeHead(503).end());
  const other = await receiver();
  const both = [webhookTo(to.url, { name: 'a' }), webhookTo(other.url, { name: 'b' })];
  const first = start(both);
  for (let at = 0; at < 5; at += 1) await first.push('team/app', String(at));
  await other.got(5);
  await first.delivery.close(1000);
  to.answer = (_, response) => void response.writeHead(204).end();
  const second = start(both);
  await expect.poll(() => isEmpty(second)).toBe(true);
  expect(tagsOf(to.taken)).toEqual(['0', '1', '2', '3', '4']);
  // The first process noted who had got them.
  expect(other.received).toHaveLength(5);
});

test('who has got an event is noted while another webhook fails, for a server that is killed', async () => {
  const down = await receiver((_, response) => void response.writeHead(503).end());
  const up = await receiver();
  const events = start([webhookTo(down.url, { name: 'down' }), webhookTo(up.url, { name: 'up' })]);
  for (let at = 0; at < 5; at += 1) await events.push('team/app', String(at));
  const left = async (): Promise<unknown[]> => {
    const records = [];
    for await (const { id } of events.outbox.waiting()) records.push(await events.outbox.read(id));
    return records.map((record) => record?.webhooks);
  };
  await expect.poll(left).toEqual(Array.from({ length: 5 }, () => ['down']));
});

test('a request that does not end is cut off when the server has to end', async () => {
  const to = await receiver(() => {});
  const events = start([webhookTo(to.url, { timeoutMs: 60_000 })]);
  await events.push('team/app');
  await to.got(1);
  await events.delivery.close(0);
  expect((await events.outbox.figures()).count).toBe(1);
});

test('one process of several delivers what all have stored, and another goes on when it dies', async () => {
  const shared = store;
  let isDead = false;
  const to = await receiver();
  const times = { pollMs: 20, beatMs: 200 };
  store = tappedStore(shared, async (_, run) => {
    if (isDead) throw new Error('the process is dead');
    return run();
  });
  const first = start([webhookTo(to.url)], times, true);
  await expect.poll(async () => (await first.delivery.status()).isDelivering).toBe(true);
  store = shared;
  const second = start([webhookTo(to.url)], times, true);
  await first.push('team/app', 'first');
  await second.push('team/app', 'second');
  await to.took(2);
  expect(new Set(tagsOf(to.taken))).toEqual(new Set(['first', 'second']));
  await expect
    .poll(async () => (await second.delivery.status()).webhooks['test']?.deliveredAt)
    .toBeGreaterThan(0);
  expect((await second.delivery.status()).isDelivering).toBe(false);
  isDead = true;
  await second.push('team/app', 'third');
  await expect.poll(() => tagsOf(to.taken)).toContain('third');
  expect((await second.delivery.status()).isDelivering).toBe(true);
});

test('a webhook that is added gets what happens from then on, and one that is removed nothing more', async () => {
  const [first, second] = [await receiver(), await receiver()];
  const events = start([]);
  await events.push('team/app', 'nobody');
  events.use(webhookTo(first.url, { name: 'first' }));
  await events.push('team/app', 'one');
  await first.got(1);
  events.use(webhookTo(second.url, { name: 'second' }));
  await events.push('team/app', 'two');
  await second.got(1);
  await expect.poll(() => tagsOf(second.taken)).toEqual(['two']);
  expect(tagsOf(first.taken)).toEqual(['one']);
});

test('a store that fails for a while loses nothing', async () => {
  let isBroken = false;
  store = tappedStore(store, async (request, run) => {
    if (isBroken && request !== 'put') throw new Error('the store is away');
    return run();
  });
  const to = await receiver();
  const events = start([webhookTo(to.url)], { pollMs: 20 });
  isBroken = true;
  await events.push('team/app', '1');
  await expect.poll(() => events.lines.length).toBeGreaterThan(0);
  isBroken = false;
  await events.push('team/app', '2');
  await expect.poll(() => isEmpty(events)).toBe(true);
  expect(new Set(tagsOf(to.taken))).toEqual(new Set(['1', '2']));
});

test('a damaged record of an event is removed', async () => {
  const to = await receiver();
  const events = start([webhookTo(to.url)], { pollMs: 10 });
  await store.put(
    'v2/events/damaged',
    (async function* () {
      yield Buffer.from('{"event":');
    })(),
  );
  await expect.poll(async () => store.head('v2/events/damaged')).toBeUndefined();
  await events.push('team/app');
  await to.got(1);
});
