import { type ObjectStore, createMemoryObjectStore } from '@oci/cache';
import type { Digest, RepositoryName, ResolvedManifest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { collect, textOf } from '@oci/testing';
import { expect } from 'vitest';

import type { HostedRegistry } from '../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../src/hosted/json-object.js';
import { digestOfContentKey, idOfDataKey, keys } from '../src/hosted/keys.js';

/** All that a test stores. */
export interface KnownContent {
  readonly repositories: readonly RepositoryName[];
  readonly blobs: Readonly<Record<string, Uint8Array>>;
  readonly manifests: Readonly<Record<string, ResolvedManifest>>;
  readonly subject: Digest;
}

/** What a registry serves, by names of things: a thing that is missing has no entry. */
export async function stateOf(
  registry: HostedRegistry,
  known: KnownContent,
): Promise<Readonly<Record<string, string>>> {
  const state: Record<string, string> = {};
  for (const name of known.repositories) {
    if (await registry.hasRepository(name)) state[`catalog ${name}`] = 'listed';
    for (const [title, bytes] of Object.entries(known.blobs))
      if (await isServed(registry, name, digestOf(bytes)))
        state[`blob ${name} ${title}`] = 'served';
    for (const [title, { descriptor }] of Object.entries(known.manifests))
      if (await isRead(registry, name, descriptor.digest))
        state[`manifest ${name} ${title}`] = 'read';
    for await (const tag of registry.manifests.tags(name)) {
      const found = await registry.manifests.find(name, { tag });
      const bytes = found && (await registry.manifests.readBytes(found));
      state[`tag ${name} ${tag}`] = bytes ? titleOf(known, digestOf(bytes)) : 'nothing';
    }
    for await (const { digest } of registry.manifests.referrers(name, known.subject))
      state[`referrer ${name} ${titleOf(known, digest)}`] = 'listed';
  }
  return state;
}

/** A blob that was found is served whole; one that is missing is said to be. */
async function isServed(
  { blobs }: HostedRegistry,
  name: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const size = await blobs.size(name, digest);
  const blob = await blobs.open(name, digest);
  const bytes = blob && (await collect(blob.body));
  expect(bytes && digestOf(bytes)).toBe(size === undefined ? undefined : digest);
  return bytes !== undefined;
}

async function isRead(
  { manifests }: HostedRegistry,
  name: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const found = await manifests.find(name, { digest });
  if (found) await manifests.read(found);
  return found !== undefined;
}

function titleOf({ manifests }: KnownContent, digest: Digest): string {
  const [title] =
    Object.entries(manifests).find(([, each]) => each.descriptor.digest === digest) ?? [];
  return title ?? digest;
}

/** Expects that every name that is listed leads to something that can be read by its digest, too. */
export function expectNamesLead(state: Readonly<Record<string, string>>): void {
  for (const [thing, value] of Object.entries(state)) {
    const [kind = '', name = '', title = ''] = thing.split(' ');
    if (kind === 'tag') expect(state).toHaveProperty([`manifest ${name} ${value}`]);
    if (kind === 'referrer') expect(state).toHaveProperty([`manifest ${name} ${title}`]);
  }
}

/** Expects of each thing that it is as it was before, or as it should be. */
export function expectEitherOf(
  state: Readonly<Record<string, string>>,
  [before, after]: readonly [Readonly<Record<string, string>>, Readonly<Record<string, string>>],
): void {
  const things = [state, before, after].flatMap((each) => Object.keys(each));
  const others = [...new Set(things)].filter(
    (thing) => ![before[thing], after[thing]].includes(state[thing]),
  );
  expect(others).toEqual([]);
}

/** Records and data that nothing leads to, or that lead to nothing. */
export async function leftoversOf(store: ObjectStore): Promise<readonly string[]> {
  const all = await liveKeys(store, '');
  const under = (prefix: string): readonly string[] => all.filter((key) => key.startsWith(prefix));
  const data = new Set(under(keys.allData).map((key) => idOfDataKey(key)));
  const left: string[] = [...under(keys.uploads)];
  for (const key of under(keys.allContent)) {
    const digest = digestOfContentKey(key);
    const record = await readRecord<{ readonly data: string; readonly condemned?: boolean }>(
      store,
      key,
    );
    const isNeeded = digest && under(keys.links(digest)).length > 0;
    if (!isNeeded || record.condemned || !data.delete(record.data)) left.push(key);
  }
  left.push(...[...data].map((id) => keys.data(id)));
  for (const key of under('v2/links/')) {
    const content = key.slice(0, key.lastIndexOf('/')).replace('v2/links/', keys.allContent);
    if (!all.includes(content)) left.push(key);
  }
  for (const key of [...under('v2/manifests/'), ...under('v2/tags/'), ...under('v2/referrers/')]) {
    const { digest } = await readRecord<{ readonly digest: Digest }>(store, key);
    const [, , segment = ''] = key.split('/');
    const link = `${keys.links(digest)}${segment}`;
    const manifest = `v2/manifests/${segment}/${digest.replace(':', '-')}`;
    if (!all.includes(link) || !all.includes(manifest)) left.push(key);
  }
  for (const key of under(keys.repositories)) {
    const [, , segment = ''] = key.split('/');
    if (under(`v2/manifests/${segment}/`).length === 0) left.push(key);
  }
  return left;
}

async function readRecord<T>(store: ObjectStore, key: string): Promise<T> {
  const object = await store.get(key);
  return JSON.parse(textOf(await collect(object?.body ?? []))) as T;
}

/** Keys of objects that are no marks of removed records. */
async function liveKeys(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { key, size } of store.entries(prefix)) if (size > 0) found.push(key);
  return found;
}

/** A store in memory with the objects of another. */
export async function copyOf(store: ObjectStore): Promise<ObjectStore> {
  const copy = createMemoryObjectStore();
  for await (const key of store.list('')) {
    const object = await store.get(key);
    await copy.put(key, object?.body ?? bodyOf(new Uint8Array()));
  }
  return copy;
}
