import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { randomBytes } from '@oci/testing';
import { expect, test } from 'vitest';

import { type HostedRegistry, createHostedRegistry } from './hosted-registry.js';
import { bytes as bodyOf } from './json-object.js';

const name = parseRepositoryName('team/app');
const limits = { perCaller: 2, inAll: 3, pieces: 10 };
const content = randomBytes(61, 600);

/** Servers behind a load balancer, which know of each other only what is in the store. */
function replicas(
  store: ObjectStore = createMemoryObjectStore(),
): readonly [HostedRegistry, HostedRegistry] {
  const create = (): HostedRegistry =>
    createHostedRegistry(store, {
      uploads: { limits },
      quotas: { quotas: [{ namespace: 'team', maxBytes: 1000 }] },
    });
  return [create(), create()];
}

function append({ uploads }: HostedRegistry, session: string): Promise<void> {
  return uploads.use({ name, session }, async (upload) => upload?.append(bodyOf(content)));
}

function commit({ uploads }: HostedRegistry, session: string): Promise<void> {
  return uploads.use({ name, session }, async (upload) => upload?.commit(digestOf(content)));
}

test('uploads that end in another process are not counted as open', async () => {
  const [one, other] = replicas();
  for (let at = 0; at < 2 * limits.inAll; at += 1) {
    const session = await one.uploads.begin(name, 'me');
    await other.uploads.use({ name, session }, async (upload) => upload?.cancel());
  }
  await expect(one.uploads.begin(name, 'me')).resolves.toBeTypeOf('string');
});

test('uploads that end in another process hold no room', async () => {
  const [one, other] = replicas();
  const session = await one.uploads.begin(name, 'me');
  await append(other, session);
  await commit(one, session);
  expect(await one.blobs.size(name, digestOf(content))).toBe(content.byteLength);
  await one.blobs.unlink(name, digestOf(content));
  const next = await other.uploads.begin(name, 'me');
  await append(other, next);
  await commit(other, next);
});

test('uploads that are open keep what they count and hold, wherever they are', async () => {
  const [one, other] = replicas();
  const sessions = [await one.uploads.begin(name, 'me'), await one.uploads.begin(name, 'me')];
  await append(other, sessions[0] ?? '');
  await expect(one.uploads.begin(name, 'me')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  await expect(append(other, sessions[1] ?? '')).rejects.toMatchObject({ code: 'DENIED' });
});

test('uploads at the same time take no more room than there is', async () => {
  const [one] = replicas();
  const sessions = [await one.uploads.begin(name, 'me'), await one.uploads.begin(name, 'me')];
  const ends = await Promise.allSettled(sessions.map((session) => append(one, session)));
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('an upload that another process has expired is not counted any more', async () => {
  const [one, other] = replicas();
  await one.uploads.begin(name, 'me');
  await one.uploads.begin(name, 'me');
  await other.uploads.expire({ olderThanMs: 1000, now: Date.now() + 2000 });
  await expect(one.uploads.begin(name, 'me')).resolves.toBeTypeOf('string');
});
