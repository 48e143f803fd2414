import { setImmediate as endOfTurn } from 'node:timers/promises';

import {
  type ListedObject,
  type ObjectStore,
  type StoredObject,
  createMemoryObjectStore,
} from '@oci/cache';
import { bytesOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from '../../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../../src/hosted/json-object.js';
import { keys } from '../../src/hosted/keys.js';

/** `OCI_SOAK_OBJECTS=1000000` for the large one. */
const objects = Number(process.env['OCI_SOAK_OBJECTS'] ?? 10_000);
/** Every hundredth content has no repository, and as much data is no content. */
const every = 100;

const hexOf = (at: number, length: number): string => at.toString(16).padStart(length, '0');
const contentKey = (at: number): string => `${keys.allContent}sha256/00/${hexOf(at, 62)}`;
const linkKey = (at: number): string => `${keys.allLinks}sha256/00/${hexOf(at, 62)}/a`;
const dataKey = (at: number): string => keys.data(hexOf(at, 32));

/** A storage with any number of objects, which it makes as they are asked for. */
class SyntheticStore {
  /** How far the list of links was ahead of that of content, at most. */
  linksAhead = 0;
  /** Records of content that were listed to be read, and not read yet, at most. */
  unread = 0;
  atOnce = 0;
  requests = 0;
  lists = 0;
  /** Bytes of the heap beyond those at the begin, at most. */
  heap = 0;
  readonly #heapBefore = process.memoryUsage().heapUsed;
  readonly #memory = createMemoryObjectStore();
  readonly #gone = new Set<string>();
  #running = 0;
  #contentAt = 0;
  #contentLists = 0;
  #read = 0;

  readonly store: ObjectStore = {
    put: async (key, body, options) => {
      // Of what was listed only, the version is the one in the list.
      const isListed = (await this.#memory.head(key)) === undefined && !this.#gone.has(key);
      const condition = options?.condition;
      const isMet =
        isListed && condition && 'ifVersion' in condition && condition.ifVersion === '1';
      return this.#memory.put(key, body, isMet ? {} : options);
    },
    join: (...given) => this.#memory.join(...given),
    list: (...given) => this.#memory.list(...given),
    head: (key) => this.#ask(async () => (await this.#find(key))?.info),
    get: (key) => this.#ask(() => this.#find(key)),
    delete: async (key) => {
      this.#gone.add(key);
      await this.#memory.delete(key);
    },
    deleteVersion: async (key) => {
      this.#gone.add(key);
      await this.#memory.delete(key);
      return true;
    },
    entries: (prefix, options) => {
      if (prefix === keys.allContent) return this.#content();
      if (prefix === keys.allLinks) return this.#links();
      if (prefix === keys.allData) return this.#data();
      return this.#memory.entries(prefix, options);
    },
  };

  async #ask<T>(find: () => Promise<T>): Promise<T> {
    this.requests += 1;
    this.#running += 1;
    this.atOnce = Math.max(this.atOnce, this.#running);
    await endOfTurn();
    this.#running -= 1;
    return find();
  }

  async #find(key: string): Promise<StoredObject | undefined> {
    const own = await this.#memory.get(key);
    if (own || this.#gone.has(key)) return own;
    const info = { size: 1000, modifiedAt: 0, version: '1' };
    if (key.startsWith(keys.allData)) return { info, body: bodyOf(new Uint8Array(1000)) };
    if (!key.startsWith(keys.allContent)) return undefined;
    this.#read += 1;
    const data = hexOf(Number.parseInt(key.slice(-12), 16), 32);
    return { info, body: bodyOf(bytesOf(JSON.stringify({ data, size: 1000 }))) };
  }

  async *#content(): AsyncGenerator<ListedObject> {
    this.#contentLists += 1;
    const isToRead = this.#contentLists === 2;
    const readBefore = this.#read;
    let listed = 0;
    for (this.#contentAt = 0; this.#contentAt < objects; this.#contentAt += 1) {
      const key = contentKey(this.#contentAt);
      if (this.#gone.has(key)) continue;
      yield this.#listed(key);
      listed += 1;
      if (isToRead) this.unread = Math.max(this.unread, listed - (this.#read - readBefore));
    }
  }

  async *#links(): AsyncGenerator<ListedObject> {
    for (let at = 0; at < objects; at += 1) {
      if (at % every === 0) continue;
      this.linksAhead = Math.max(this.linksAhead, at - this.#contentAt);
      yield this.#listed(linkKey(at));
    }
  }

  async *#data(): AsyncGenerator<ListedObject> {
    for (let at = 0; at < objects + objects / every; at += 1)
      if (!this.#gone.has(dataKey(at))) yield this.#listed(dataKey(at));
  }

  #listed(key: string): ListedObject {
    this.lists += 1;
    if (this.lists % 10_000 === 0)
      this.heap = Math.max(this.heap, process.memoryUsage().heapUsed - this.#heapBefore);
    return { key, size: 1000, modifiedAt: 0, version: '1' };
  }
}

test(
  'a collection holds as much however long the lists are, and asks for each object once',
  async () => {
    const synthetic = new SyntheticStore();
    const options = { collection: { objectsPerSecond: 0 } };
    const { collection } = createHostedRegistry(synthetic.store, options);
    const beganAt = performance.now();
    const { kinds } = await collection.collect();
    const seconds = ((performance.now() - beganAt) / 1000).toFixed(1);
    const heap = Math.round(synthetic.heap / 1024 ** 2);
    process.stdout.write(
      `${objects} objects a list: ${seconds} s, ${synthetic.lists} listed, ${synthetic.requests} requests, heap +${heap} MiB\n`,
    );
    const unlinked = objects / every;
    const linked = objects - unlinked;
    expect(kinds.content).toEqual({ lookedAt: objects, removed: unlinked, bytes: 1000 * unlinked });
    expect(kinds.data.lookedAt).toBe(linked + unlinked);
    // A name of some thousand seems to be in the filter.
    expect(kinds.data.removed).toBeGreaterThan(0.95 * unlinked);
    expect(synthetic.linksAhead).toBeLessThanOrEqual(2);
    expect(synthetic.unread).toBeLessThanOrEqual(9);
    expect(synthetic.atOnce).toBeLessThanOrEqual(8);
    // A read of each record, one of each link that no manifest names, and a few of each that goes.
    expect(synthetic.requests).toBeLessThan(2 * linked + 8 * unlinked);
  },
  60_000 + objects,
);
