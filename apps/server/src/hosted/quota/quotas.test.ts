import { setImmediate as endOfTurn } from 'node:timers/promises';

import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import {
  type Digest,
  OciError,
  type RepositoryName,
  mediaTypes,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, inChunks, randomBytes } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { type HostedRegistry, createHostedRegistry } from '../hosted-registry.js';
import { bytes as bodyOf } from '../json-object.js';
import { keys } from '../keys.js';
import { QuotaExceeded, QuotaUncounted } from './quota-failure.js';
import type { QuotaNotice } from './quota-notices.js';
import type { QuotasOptions } from './quotas.js';

const [a, b, other, team] = ['team/a', 'team/b', 'other', 'team'].map(parseRepositoryName) as [
  RepositoryName,
  RepositoryName,
  RepositoryName,
  RepositoryName,
];
const dayMs = 24 * 60 * 60_000;
const hundred = Array.from({ length: 12 }, (_, at) => randomBytes(800 + at, 100));

function open(store: ObjectStore, maxBytes: number, options: QuotasOptions = {}): HostedRegistry {
  const quotas = [{ namespace: 'team', maxBytes }];
  return createHostedRegistry(store, { quotas: { quotas, isAlone: true, ...options } });
}

async function push(registry: HostedRegistry, name: RepositoryName, at: number): Promise<Digest> {
  const content = hundred[at] ?? bytesOf('');
  const digest = digestOf(content);
  await registry.uploads.put({ name, owner: 'me' }, { digest, body: inChunks(content, 30) });
  return digest;
}

async function usageOf(registry: HostedRegistry): Promise<Record<string, number>> {
  const usages: Record<string, number> = {};
  for await (const { namespace, used } of registry.quotas.usages()) usages[namespace] = used;
  return usages;
}

async function keysOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key, size } of store.entries(prefix)) if (size > 0) found.push(key);
  return found;
}

/** A store that waits at the next change of a key until it may go on. */
function pausing(store: ObjectStore, prefix: string) {
  let arrived = (): void => {};
  let goOn = (): void => {};
  const isThere = new Promise<void>((resolve) => (arrived = resolve));
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  let isOver = false;
  const paused: ObjectStore = {
    head: (...args) => store.head(...args),
    get: (...args) => store.get(...args),
    async put(key, ...args) {
      if (!isOver && key.startsWith(prefix)) {
        isOver = true;
        arrived();
        await mayGoOn;
      }
      return store.put(key, ...args);
    },
    list: (...args) => store.list(...args),
    entries: (...args) => store.entries(...args),
    delete: (...args) => store.delete(...args),
    deleteVersion: (...args) => store.deleteVersion?.(...args) ?? Promise.resolve(false),
    join: (...args) => store.join(...args),
  };
  return { store: paused, isThere, goOn };
}

test('content counts once for each repository that has it, until it is deleted', async () => {
  const registry = open(createMemoryObjectStore(), 1000);
  const digest = await push(registry, a, 0);
  await push(registry, a, 0);
  expect(await usageOf(registry)).toEqual({ team: 100 });
  await registry.blobs.mount(b, digest, a);
  await registry.blobs.mount(other, digest, a);
  expect(await usageOf(registry)).toEqual({ team: 200 });
  await registry.blobs.unlink(a, digest);
  await registry.blobs.unlink(a, digest);
  expect(await usageOf(registry)).toEqual({ team: 100 });
  const { imageManifest: mediaType } = mediaTypes;
  const layer = { mediaType: 'a/b', digest, size: 100 };
  const document = { schemaVersion: 2, mediaType, config: layer, layers: [] };
  const manifest = describeManifest(bytesOf(JSON.stringify(document)));
  const tags = [parseTag('1')];
  await registry.manifests.put(b, manifest, { tags });
  await registry.manifests.put(b, manifest, { tags });
  expect(await usageOf(registry)).toEqual({ team: 100 + manifest.descriptor.size });
  await registry.manifests.delete(b, manifest.descriptor.digest);
  expect(await usageOf(registry)).toEqual({ team: 100 });
});

test('a mount has to have room, too', async () => {
  const registry = open(createMemoryObjectStore(), 150);
  const [one, two] = [await push(registry, a, 0), await push(registry, other, 1)];
  for (const [digest, from] of [
    [one, a],
    [two, other],
  ] as const)
    await expect(registry.blobs.mount(b, digest, from)).rejects.toThrow(QuotaExceeded);
  expect(await registry.blobs.size(b, one)).toBeUndefined();
  expect(await usageOf(registry)).toEqual({ team: 100 });
});

test('a quota that is lower than what is used refuses what is new, and deletes nothing', async () => {
  const registry = open(createMemoryObjectStore(), 1000);
  const digest = await push(registry, a, 0);
  await push(registry, a, 1);
  registry.quotas.configure([{ namespace: 'team', maxBytes: 150 }]);
  await expect(push(registry, a, 2)).rejects.toThrow(QuotaExceeded);
  await push(registry, a, 1);
  expect(await registry.blobs.size(a, digest)).toBe(100);
  await registry.blobs.unlink(a, digest);
  await expect(push(registry, a, 2)).rejects.toThrow(QuotaExceeded);
  registry.quotas.configure([]);
  await push(registry, a, 2);
});

test('what was pushed without a quota counts once there is one, whatever it is of', async () => {
  const store = createMemoryObjectStore();
  const registry = open(store, 1000);
  await push(registry, a, 0);
  registry.quotas.configure([]);
  await push(registry, a, 1);
  await push(registry, other, 2);
  expect(await usageOf(registry)).toEqual({});
  for (const [namespace, usage] of [
    ['team', { team: 200 }],
    ['*', { other: 100, team: 200 }],
    ['team/*', { 'team/a': 200, 'team/b': 100 }],
  ] as const) {
    registry.quotas.configure([{ namespace, maxBytes: 1000 }]);
    // The first push counts.
    if (namespace === 'team/*') await push(registry, b, 3);
    else await push(registry, a, 0);
    expect(await usageOf(registry)).toEqual(usage);
  }
  expect(await usageOf(open(store, 1000))).toEqual({ team: 0 });
});

test('a push waits for the first count, and is told to try again where that takes long', async () => {
  const memory = createMemoryObjectStore();
  await push(createHostedRegistry(memory), a, 0);
  const { store, isThere, goOn } = pausing(memory, keys.allLinks);
  const registry = open(store, 250, { patienceMs: 1 });
  await expect(push(registry, a, 1)).rejects.toThrow(QuotaUncounted);
  await isThere;
  await expect(push(registry, a, 1)).rejects.toThrow(QuotaUncounted);
  await push(registry, other, 1);
  goOn();
  await registry.quotas.count();
  await push(registry, a, 1);
  await expect(push(registry, a, 2)).rejects.toThrow(QuotaExceeded);
});

test('a damaged record refuses pushes until links are counted', async () => {
  const store = createMemoryObjectStore();
  const registry = open(store, 250);
  await push(registry, a, 0);
  await push(registry, a, 1);
  await store.put(keys.quota(team), bodyOf(bytesOf('{"era":')));
  const again = open(store, 250);
  await expect(push(again, b, 2)).rejects.toThrow(QuotaUncounted);
  await again.quotas.count();
  expect(await usageOf(again)).toEqual({ team: 200 });
  await expect(push(again, b, 2)).rejects.toThrow(QuotaExceeded);
  await push(again, b, 2).catch(() => {});
  expect(await usageOf(again)).toEqual({ team: 200 });
});

test('a count gives back what was reserved for a link that never came', async () => {
  const store = createMemoryObjectStore();
  const dying = open(store, 1000);
  await push(dying, a, 0);
  await dying.quotas.reserve({ name: team, maxBytes: 1000, repository: a }, 500);
  expect(await usageOf(dying)).toEqual({ team: 600 });
  const next = open(store, 1000);
  expect(await next.quotas.count()).toMatchObject({ links: 1, summed: 1, freed: 500 });
  expect(await usageOf(next)).toEqual({ team: 100 });
});

test('where other processes may push, it does so once they cannot be in the middle of it any more', async () => {
  const store = createMemoryObjectStore();
  const [dying, next] = [1, 2].map(() => open(store, 1000, { isAlone: false })) as [
    HostedRegistry,
    HostedRegistry,
  ];
  await push(dying, a, 0);
  await dying.quotas.reserve({ name: team, maxBytes: 1000, repository: a }, 500);
  const now = Date.now();
  const used: unknown[] = [];
  for (const hours of [1, 12, 14, 24, 28, 48]) {
    await next.quotas.count({ now: now + hours * 60 * 60_000 });
    used.push((await usageOf(next))['team']);
  }
  expect(used).toEqual([600, 600, 600, 600, 100, 100]);
});

test('a count waits for links that this process is about to write', async () => {
  const memory = createMemoryObjectStore();
  await push(open(memory, 1000), a, 1);
  const { store, isThere, goOn } = pausing(memory, keys.allLinks);
  const registry = open(store, 1000);
  const pushing = push(registry, a, 0);
  await isThere;
  let isCounted = false;
  const counting = registry.quotas.count().then(() => (isCounted = true));
  for (let turn = 0; turn < 100; turn += 1) await endOfTurn();
  expect(isCounted).toBe(false);
  goOn();
  await Promise.all([pushing, counting]);
  expect(await usageOf(registry)).toEqual({ team: 200 });
});

test('a deletion that is recorded behind a count takes nothing off twice', async () => {
  const memory = createMemoryObjectStore();
  const first = open(memory, 1000);
  const digest = await push(first, a, 0);
  await push(first, a, 1);
  const { store, isThere, goOn } = pausing(memory, keys.quotas);
  const slow = open(store, 1000, { isAlone: false });
  const deletion = slow.blobs.unlink(a, digest);
  await isThere;
  // The link is gone, and what it was counted with is not given back yet.
  await first.quotas.count();
  expect(await usageOf(first)).toEqual({ team: 100 });
  goOn();
  await deletion;
  expect(await usageOf(first)).toEqual({ team: 100 });
});

test('a push that fails behind its reservation leaves nothing', async () => {
  const memory = createMemoryObjectStore();
  const registry = open(memory, 1000);
  await push(registry, a, 0);
  const put = memory.put.bind(memory);
  const full = (prefix: string): void => {
    memory.put = async (key, ...more) => {
      if (key.startsWith(prefix)) throw new OciError('STORAGE_FULL', 'the disk is full');
      return put(key, ...more);
    };
  };
  for (const prefix of [keys.allLinks, keys.allContent]) {
    full(prefix);
    await expect(push(registry, a, 1)).rejects.toThrow('the disk is full');
  }
  memory.put = put;
  expect(await usageOf(registry)).toEqual({ team: 100 });
});

test('what was refused leaves no data, and uploads that are open count', async () => {
  const store = createMemoryObjectStore();
  const registry = open(store, 250);
  await push(registry, a, 0);
  const sessions = await Promise.all([1, 2].map(() => registry.uploads.begin(b, 'me')));
  const [one, two] = sessions as [string, string];
  const append = (session: string, content: Uint8Array, length?: number) =>
    registry.uploads.use({ name: b, session }, async (upload) =>
      upload?.append(inChunks(content, 30), { length }),
    );
  await append(one, hundred[1] as Uint8Array);
  const before = await keysOf(store, keys.allData);
  await expect(append(two, hundred[2] as Uint8Array)).rejects.toThrow(QuotaExceeded);
  await expect(append(two, hundred[2] as Uint8Array, 100)).rejects.toThrow(QuotaExceeded);
  await expect(push(registry, a, 3)).rejects.toThrow(QuotaExceeded);
  expect(await keysOf(store, keys.allData)).toEqual(before);
  await registry.uploads.use({ name: b, session: one }, async (upload) => upload?.cancel());
  await append(two, hundred[2] as Uint8Array, 100);
  await registry.uploads.use({ name: b, session: two }, async (upload) =>
    upload?.commit(digestOf(hundred[2] as Uint8Array)),
  );
  expect(await usageOf(registry)).toEqual({ team: 200 });
  // Another process knows nothing of this one's sessions until they go on there.
  const next = open(store, 250);
  const session = await next.uploads.begin(b, 'me');
  await next.uploads.use({ name: b, session }, async (upload) =>
    upload?.append(bodyOf(randomBytes(3, 40))),
  );
  const third = open(store, 250);
  const go = (length: number) =>
    third.uploads.use({ name: b, session }, async (upload) =>
      upload?.append(bodyOf(randomBytes(4, length))),
    );
  await expect(go(20)).rejects.toThrow(QuotaExceeded);
  await go(10);
});

test('a session that was refused room at its end leaves no data', async () => {
  const store = createMemoryObjectStore();
  const registry = open(store, 250);
  const session = await registry.uploads.begin(b, 'me');
  const use = { name: b, session };
  for (const at of [1, 2])
    await registry.uploads.use(use, async (upload) =>
      upload?.append(inChunks(hundred[at] as Uint8Array, 30)),
    );
  // Another process takes the room meanwhile.
  await push(open(store, 250), a, 3);
  const before = await keysOf(store, keys.allData);
  expect(before).toHaveLength(3);
  const digest = digestOf(Buffer.concat([hundred[1] as Uint8Array, hundred[2] as Uint8Array]));
  await registry.uploads.use(use, async (upload) => {
    await expect(upload?.commit(digest)).rejects.toThrow(QuotaExceeded);
    await upload?.cancel();
  });
  expect(await keysOf(store, keys.allData)).toHaveLength(1);
  expect(await keysOf(store, keys.uploads)).toEqual([]);
});

test('an operator hears that a namespace is nearly full, or was full, at most once an hour', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const notices: QuotaNotice[] = [];
    const onNotice = (notice: QuotaNotice): void => void notices.push(notice);
    const registry = open(createMemoryObjectStore(), 250, { onNotice });
    await push(registry, a, 0);
    expect(notices).toEqual([]);
    const digest = await push(registry, a, 1);
    for (const at of [2, 3]) await expect(push(registry, b, at)).rejects.toThrow(QuotaExceeded);
    await registry.blobs.unlink(a, digest);
    await push(registry, a, 1);
    const common = { namespace: team, limit: 250, used: 200 };
    expect(notices).toEqual([
      { what: 'nearly-full', repository: a, ...common },
      { what: 'exceeded', repository: b, ...common },
    ]);
    vi.advanceTimersByTime(60 * 60_000 + 1);
    await expect(push(registry, b, 2)).rejects.toThrow(QuotaExceeded);
    expect(notices).toHaveLength(3);
  } finally {
    vi.useRealTimers();
  }
});

test('namespaces are listed in order, those without content too', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore(), {
    quotas: {
      quotas: ['*', 'team', 'a/b', 'zoo'].map((namespace) => ({ namespace, maxBytes: 500 })),
      isAlone: true,
    },
  });
  await push(registry, a, 0);
  await push(registry, other, 1);
  expect(await usageOf(registry)).toEqual({ 'a/b': 0, other: 100, team: 100, zoo: 0 });
  const behind: string[] = [];
  for await (const { namespace } of registry.quotas.usages({ after: other }))
    behind.push(namespace);
  expect(behind).toEqual(['team', 'zoo']);
});

test('the records of namespaces that are left out are not read', async () => {
  const store = createMemoryObjectStore();
  const quotas = [{ namespace: '*', maxBytes: 500 }];
  const registry = createHostedRegistry(store, { quotas: { quotas, isAlone: true } });
  await push(registry, a, 0);
  await push(registry, other, 1);
  const read: string[] = [];
  const get = store.get.bind(store);
  store.get = (key, options) => {
    read.push(key);
    return get(key, options);
  };
  const { quotas: anew } = createHostedRegistry(store, { quotas: { quotas, isAlone: true } });
  const listed: string[] = [];
  for await (const { namespace } of anew.usages({ isWanted: (name) => name === 'team' }))
    listed.push(namespace);
  expect(listed).toEqual(['team']);
  expect(read).toEqual([keys.quota(parseRepositoryName('team'))]);
});

test('a count that is asked for again and again changes nothing', async () => {
  const store = createMemoryObjectStore();
  const registry = open(store, 1000);
  await push(registry, a, 0);
  await push(registry, b, 1);
  for (let day = 1; day < 5; day += 1)
    expect(await registry.quotas.count({ now: Date.now() + day * dayMs })).toEqual({
      links: 2,
      added: 0,
      summed: 1,
      freed: 0,
    });
  expect(await usageOf(registry)).toEqual({ team: 200 });
});

test('a recount is due when none has ended within the interval, nor failed', async () => {
  const store = createMemoryObjectStore();
  const { quotas } = open(store, 1000);
  expect(await quotas.isRecountDue(dayMs)).toBe(true);
  expect(await createHostedRegistry(store).quotas.isRecountDue(dayMs)).toBe(false);
  await quotas.recount();
  expect(await quotas.isRecountDue(dayMs)).toBe(false);
  expect(await quotas.isRecountDue(dayMs, Date.now() + dayMs)).toBe(true);
  const entries = store.entries.bind(store);
  const ending = new AbortController();
  let end = (): void => ending.abort();
  const restarted = createMemoryObjectStore();
  const { quotas: others } = open(restarted, 1000);
  restarted.entries = (prefix, options) => {
    if (prefix === keys.allLinks) end();
    return entries(prefix, options);
  };
  await expect(others.recount({ signal: ending.signal })).rejects.toMatchObject({
    code: 'ABORTED',
  });
  expect(await others.isRecountDue(dayMs)).toBe(true);
  end = () => {
    throw new Error('the bucket is away');
  };
  await expect(others.recount()).rejects.toThrow('the bucket is away');
  expect(await others.isRecountDue(dayMs)).toBe(false);
});

/** A store that makes a change and loses its answer, once for each key that begins as given. */
function losing(store: ObjectStore, prefix: string): ObjectStore {
  const lost = new Set<string>();
  return {
    head: (...args) => store.head(...args),
    get: (...args) => store.get(...args),
    async put(key, ...args) {
      const stored = await store.put(key, ...args);
      if (!key.startsWith(prefix) || lost.has(key)) return stored;
      lost.add(key);
      throw new OciError('STORAGE_FAILED', 'the answer was lost', { retryable: true });
    },
    list: (...args) => store.list(...args),
    entries: (...args) => store.entries(...args),
    delete: (...args) => store.delete(...args),
    join: (...args) => store.join(...args),
  };
}

test.each([keys.quotas, keys.allLinks])(
  'a change of %s whose answer is lost counts once, and never gives back too much',
  async (prefix) => {
    const memory = createMemoryObjectStore();
    const first = open(memory, 1000);
    const digest = await push(first, a, 0);
    await push(first, a, 1);
    const pushing = open(losing(memory, prefix), 1000);
    await push(pushing, a, 2);
    expect(await usageOf(first)).toEqual({ team: 300 });
    const deleting = open(losing(memory, prefix), 1000);
    await deleting.blobs.unlink(a, digest);
    // Who does not know to have removed a link gives nothing back: a count does.
    expect(await usageOf(first)).toEqual({ team: prefix === keys.quotas ? 200 : 300 });
    await first.quotas.count();
    expect(await usageOf(first)).toEqual({ team: 200 });
  },
);
