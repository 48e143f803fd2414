import type { ListedObject, ObjectStore } from '@oci/cache';
import type { CallOptions } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { Latency } from './check.js';

/** How long requests took, by what they asked for. */
export class Stopwatch {
  readonly #times = new Map<string, number[]>();

  async time<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      const times = this.#times.get(operation) ?? [];
      times.push(performance.now() - begun);
      this.#times.set(operation, times);
    }
  }

  /** By operation, in the order in which each was first asked for. */
  get latencies(): readonly Latency[] {
    return [...this.#times].map(([operation, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (part: number): number =>
        Math.round((sorted[Math.ceil(part * sorted.length) - 1] ?? 0) * 10) / 10;
      return { operation, requests: sorted.length, median: at(0.5), p95: at(0.95), max: at(1) };
    });
  }
}

/** Objects that are removed at once. */
const atOnce = 8;

/** A part of a storage that is of one examination alone, whose requests are timed, and of which nothing stays. */
export class ScratchStore {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #watch: Stopwatch;
  readonly #written: Set<string>;

  constructor(
    store: ObjectStore,
    {
      prefix,
      watch,
      written = new Set(),
    }: {
      readonly prefix: string;
      readonly watch: Stopwatch;
      readonly written?: Set<string>;
    },
  ) {
    this.#store = store;
    this.#prefix = prefix;
    this.#watch = watch;
    this.#written = written;
  }

  /** The same part by another client of the storage. */
  through(store: ObjectStore): ScratchStore {
    const [prefix, watch, written] = [this.#prefix, this.#watch, this.#written];
    return new ScratchStore(store, { prefix, watch, written });
  }

  /** The key in the storage. */
  keyOf(name: string): string {
    return `${this.#prefix}${name}`;
  }

  head(name: string, options: CallOptions): ReturnType<ObjectStore['head']> {
    return this.#watch.time('head', () => this.#store.head(this.keyOf(name), options));
  }

  /** The whole object, or a part of it; undefined without one. */
  async read(
    name: string,
    options: Parameters<ObjectStore['get']>[1],
  ): Promise<Buffer | undefined> {
    return this.#watch.time('read', async () => {
      const object = await this.#store.get(this.keyOf(name), options);
      if (!object) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of object.body) chunks.push(Uint8Array.from(chunk));
      return Buffer.concat(chunks);
    });
  }

  /** The object as it is stored, whatever its size. */
  get(name: string, options: CallOptions): ReturnType<ObjectStore['get']> {
    return this.#store.get(this.keyOf(name), options);
  }

  put(
    name: string,
    body: AsyncIterable<Uint8Array>,
    options: NonNullable<Parameters<ObjectStore['put']>[2]>,
  ): ReturnType<ObjectStore['put']> {
    this.#written.add(name);
    const { condition } = options;
    const operation = !condition ? 'write' : 'ifAbsent' in condition ? 'create' : 'replace';
    return this.#watch.time(operation, () => this.#store.put(this.keyOf(name), body, options));
  }

  async list(
    below: string,
    options: NonNullable<Parameters<ObjectStore['entries']>[1]>,
  ): Promise<readonly ListedObject[]> {
    const after = options.after === undefined ? {} : { after: this.keyOf(options.after) };
    return this.#watch.time('list', async () => {
      const listed: ListedObject[] = [];
      const entries = this.#store.entries(this.keyOf(below), { ...options, ...after });
      for await (const entry of entries)
        listed.push({ ...entry, key: entry.key.slice(this.#prefix.length) });
      return listed;
    });
  }

  delete(name: string, options: CallOptions): Promise<void> {
    return this.#watch.time('delete', () => this.#store.delete(this.keyOf(name), options));
  }

  join(names: readonly string[], target: string, options: CallOptions): Promise<unknown> {
    this.#written.add(target);
    const keys = names.map((name) => this.keyOf(name));
    return this.#watch.time('join', () => this.#store.join(keys, this.keyOf(target), options));
  }

  /** Removes what was written, whether or not lists show it. @returns what is still there */
  async clear(options: CallOptions): Promise<readonly string[]> {
    const remove = (name: string): Promise<void> => this.#store.delete(this.keyOf(name), options);
    await forEachConcurrent(this.#written, remove, { limit: atOnce, ...options });
    const listed = await this.list('', options);
    const limits = { limit: atOnce, ...options };
    await forEachConcurrent(
      listed.map(({ key }) => key),
      remove,
      limits,
    );
    const left: string[] = [];
    const look = async (name: string): Promise<void> => {
      if (await this.#store.head(this.keyOf(name), options)) left.push(name);
    };
    await forEachConcurrent(
      new Set([...this.#written, ...listed.map(({ key }) => key)]),
      look,
      limits,
    );
    return left;
  }
}
