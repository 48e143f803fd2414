import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  OciError,
  type ResolvedManifest,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { bytesOf, collect, textOf } from '@oci/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { finish, scheduledStore } from '../../test/scheduled-store.js';
import { tappedStore } from '../../test/tapped-store.js';
import { webhookTo } from '../../test/webhook-receiver.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { keys } from '../hosted/keys.js';
import { Records } from '../hosted/records.js';
import type { EventRecord } from './event-record.js';
import { Outbox } from './outbox.js';
import { Webhook, type WebhookOptions } from './webhook.js';

const [app, other] = [parseRepositoryName('team/app'), parseRepositoryName('other/app')];
const [one, two] = [parseTag('1'), parseTag('2')];
const by = { who: 'token:ci', requestId: 'r-1' };

function manifestOf(note: string): ResolvedManifest {
  const { imageIndex: mediaType } = mediaTypes;
  const document = { schemaVersion: 2, mediaType, manifests: [], annotations: { note } };
  return describeManifest(bytesOf(JSON.stringify(document)));
}
const manifest = manifestOf('one');
const { digest } = manifest.descriptor;

interface Opened {
  readonly registry: HostedRegistry;
  readonly outbox: Outbox;
}

function open(store: ObjectStore, change: Partial<WebhookOptions> = {}): Opened {
  const webhooks = [new Webhook(webhookTo('http://127.0.0.1:1/', change))];
  const records = new Records(store);
  const outbox = new Outbox({ store, records, webhooks: () => webhooks, source: () => 'here' });
  return { registry: createHostedRegistry(store, { journal: outbox }), outbox };
}

/** The events that are in a store. */
async function stored(store: ObjectStore): Promise<EventRecord[]> {
  const found: EventRecord[] = [];
  for await (const { key, size } of store.entries(keys.events)) {
    const object = size > 0 ? await store.get(key) : undefined;
    if (object) found.push(JSON.parse(textOf(await collect(object.body))) as EventRecord);
  }
  return found;
}

const summaryOf = ({ event }: EventRecord): string =>
  `${event.type.replace('dev.oci-server.', '')} ${event.subject} ${String(event.data['tags'])}`;

test('every push and deletion is stored as an event before it is answered', async () => {
  const store = createMemoryObjectStore();
  const { registry } = open(store);
  const { manifests } = registry;
  await manifests.put(app, manifest, { tags: [one, two, one], by });
  await manifests.deleteTag(app, two, { by });
  await manifests.delete(app, digest, { by });
  const events = await stored(store);
  expect(events.map(summaryOf)).toEqual([
    `manifest.pushed team/app@${digest} 1,2`,
    'tag.deleted team/app:2 2',
    `manifest.deleted team/app@${digest} 1`,
  ]);
  for (const { event, webhooks } of events) {
    expect(event).toMatchObject({ source: 'here', data: { who: 'token:ci', request_id: 'r-1' } });
    expect(webhooks).toEqual(['test']);
  }
});

test('what was not there is not deleted, and is no event', async () => {
  const store = createMemoryObjectStore();
  const { manifests } = open(store).registry;
  expect(await manifests.deleteTag(app, one)).toBe(false);
  expect(await manifests.delete(app, digest)).toBe(false);
  expect(await stored(store)).toEqual([]);
});

test.each([
  ['events', { events: ['delete', 'quota'] as const }],
  ['repositories', { repositories: ['teams', 'team/application'] }],
])('nothing is stored that no webhook wants: other %s', async (_, change) => {
  const store = createMemoryObjectStore();
  const { registry } = open(store, change);
  await registry.manifests.put(app, manifest, { tags: [one] });
  expect(await stored(store)).toEqual([]);
});

test('a webhook of a namespace gets the events of all that is below it', async () => {
  const store = createMemoryObjectStore();
  const { registry } = open(store, { repositories: ['team'] });
  for (const name of [app, other]) await registry.manifests.put(name, manifest, { tags: [] });
  expect((await stored(store)).map(({ event }) => event.data['repository'])).toEqual(['team/app']);
});

test('an event costs one request, without which a push is as it was', async () => {
  const counted = async (change: Partial<WebhookOptions>): Promise<string[]> => {
    const asked: string[] = [];
    const store = tappedStore(createMemoryObjectStore(), (request, run) => {
      asked.push(request);
      return run();
    });
    await open(store, change).registry.manifests.put(app, manifest, { tags: [one] });
    return asked.sort();
  };
  const without = await counted({ events: [] });
  const withEvent = await counted({});
  expect(withEvent.filter((each) => each !== 'put')).toEqual(
    without.filter((each) => each !== 'put'),
  );
  expect(withEvent).toHaveLength(without.length + 1);
});

test('a quota that stays reached is told once, and again when the first could not be stored', async () => {
  let isFull = true;
  const store = tappedStore(createMemoryObjectStore(), async (_, run) => {
    if (isFull) throw new OciError('STORAGE_FULL', 'the disk is full');
    return run();
  });
  const { outbox } = open(store);
  const quota = {
    type: 'quota.reached',
    repository: app,
    namespace: 'team',
    limit: 9,
    used: 9,
  } as const;
  await expect(outbox.note(quota)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  isFull = false;
  for (let at = 0; at < 5; at += 1) await outbox.note(quota);
  await outbox.note({ ...quota, repository: other, namespace: 'other' });
  expect((await stored(store)).map(({ event }) => event.subject)).toEqual(['team', 'other']);
});

interface Faulty extends Opened {
  readonly store: ObjectStore;
  /** Fails one of the requests that follow, before or behind what it does. @returns whether there were so many */
  readonly during: (work: () => Promise<unknown>, fault: Fault) => Promise<boolean>;
}

interface Fault {
  readonly at: number;
  readonly isDone: boolean;
}

/** A registry with a manifest that is tagged, and no events, on a store that can fail. */
async function faulty(): Promise<Faulty> {
  const store = createMemoryObjectStore();
  let left = 0;
  let isDone = false;
  const tapped = tappedStore(store, async (_, run) => {
    left -= 1;
    if (left !== 0) return run();
    if (isDone) await run();
    throw new OciError('STORAGE_FAILED', 'the store failed');
  });
  const opened = open(tapped);
  await opened.registry.manifests.put(app, manifest, { tags: [one] });
  for await (const key of store.list(keys.events)) await store.delete(key);
  return {
    ...opened,
    store,
    during: async (work, fault) => {
      [left, isDone] = [fault.at, fault.isDone];
      await work();
      const wasMet = left <= 0;
      left = 0;
      return wasMet;
    },
  };
}

/** Has each request fail in turn, before and behind what it does, until there are no more. */
async function withEachFault(check: (fault: Fault) => Promise<boolean>): Promise<number> {
  for (let at = 1; ; at += 1) {
    const wasMet = await check({ at, isDone: false });
    if (!wasMet) return at - 1;
    await check({ at, isDone: true });
  }
}

describe('whichever request to the store fails', { timeout: 60_000 }, () => {
  test('a push that was acknowledged is an event, and one that failed is none', async () => {
    const pushed = manifestOf('two');
    const requests = await withEachFault(async (fault) => {
      const { store, registry, during } = await faulty();
      let isPushed = false;
      const wasMet = await during(async () => {
        isPushed = await registry.manifests.put(app, pushed, { tags: [one, two] }).then(
          () => true,
          () => false,
        );
      }, fault);
      const expected = isPushed ? [`manifest.pushed team/app@${pushed.descriptor.digest} 1,2`] : [];
      expect({ fault, events: (await stored(store)).map(summaryOf) }).toEqual({
        fault,
        events: expected,
      });
      return wasMet;
    });
    expect(requests).toBeGreaterThan(8);
  });

  test.each(['tag', 'manifest'])(
    'a %s that is gone when the client has asked twice is an event',
    async (what) => {
      await withEachFault(async (fault) => {
        const { store, registry, during } = await faulty();
        const { manifests } = registry;
        const remove = (): Promise<boolean> =>
          what === 'tag' ? manifests.deleteTag(app, one) : manifests.delete(app, digest);
        let first: boolean | string = false;
        const wasMet = await during(async () => {
          first = await remove().catch(() => 'failed');
        }, fault);
        if (String(first) === 'failed') await remove();
        const reference = what === 'tag' ? { tag: one } : { digest };
        expect(await manifests.find(app, reference)).toBeUndefined();
        // A deletion that failed may be an event, too.
        const events = (await stored(store)).length;
        const most = String(first) === 'failed' ? 2 : 1;
        expect({ fault, isTold: events > 0 && events <= most }).toEqual({ fault, isTold: true });
        return wasMet;
      });
    },
  );
});

test('of two processes that push and delete, each acknowledged change is one event', async () => {
  const step = fc.record({
    what: fc.constantFrom('put', 'delete', 'delete tag'),
    at: fc.constantFrom(0, 1),
  });
  const property = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 2, maxLength: 5 }),
    async (scheduler, steps) => {
      const memory = createMemoryObjectStore();
      await open(memory, { events: [] }).registry.manifests.put(app, manifest, { tags: [one] });
      const processes = [0, 1].map(
        () => open(scheduledStore(memory, scheduler)).registry.manifests,
      );
      const done: string[] = [];
      const work = steps.map(async ({ what, at }) => {
        const manifests = processes[at];
        if (!manifests) return;
        if (what === 'put') await manifests.put(app, manifest, { tags: [one] });
        const isDone =
          what === 'put' ||
          (what === 'delete'
            ? await manifests.delete(app, digest)
            : await manifests.deleteTag(app, one));
        if (isDone) done.push(what);
      });
      await finish(scheduler, Promise.all(work));
      const kinds = {
        put: 'manifest.pushed',
        delete: 'manifest.deleted',
        'delete tag': 'tag.deleted',
      };
      const events = (await stored(memory)).map(({ event }) => event.type.slice(15));
      expect(events.sort()).toEqual(done.map((what) => kinds[what as keyof typeof kinds]).sort());
    },
  );
  await fc.assert(property, { numRuns: Number(process.env['OCI_SOAK_INTERLEAVINGS'] ?? 12) });
}, 60_000);
