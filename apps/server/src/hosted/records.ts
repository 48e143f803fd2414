import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ListedObject, ObjectStore } from '@oci/cache';
import { type CallOptions, OciError, isOciError } from '@oci/spec-types';
import { Retries, defaultRetryRule } from '@oci/spec-types/retry';
import { LRUCache } from 'lru-cache';

import { bytes, readJson } from './json-object.js';
import { isRecord } from './record-guard.js';

/** A record as it was read. Without a value it is missing, removed, or damaged. */
export interface Seen<T> {
  readonly value: T | undefined;
  /** Of the object that was read; undefined when there was none. */
  readonly version: string | undefined;
  /** Names of the last writes, the latest first. */
  readonly writes: readonly string[];
}

/** A record that was read once; without a value it is missing or removed, unless it is damaged. */
export interface ScannedRecord<T> {
  readonly value: T | undefined;
  readonly isDamaged: boolean;
}

/** Bytes of records that are kept parsed, when nobody says how many. */
const defaultMemoryBytes = 32 * 1024 * 1024;
/** A write that meets another begins again with what that one wrote. */
const contentionRule = { ...defaultRetryRule, attempts: 30, baseDelayMs: 5, maxDelayMs: 1000 };
/** A write whose answer was lost is sent again: it is known which one counted. */
const lostRule = { ...defaultRetryRule, attempts: 3 };
/** Writes that a record names: its own, and those that it replaced. */
const writesKept = 4;

interface WriteOptions {
  readonly own?: string;
  readonly onGuess?: () => void;
}

/** Hears of the key of a record that is damaged. */
export type RecordListener = (key: string) => void;

const missing = { value: undefined, version: undefined, writes: [] } as const;

/**
 * Small JSON objects that processes agree on: each is replaced only in the version that was read, so that of two
 * writers one begins again with what the other wrote. An empty object is a record that was removed: where a store
 * cannot delete under a condition, it stays. A damaged record counts as missing, so that a push writes it again.
 */
export class Records {
  readonly #store: ObjectStore;
  readonly #onDamage: RecordListener;
  readonly #known: LRUCache<string, Seen<unknown>>;

  constructor(
    store: ObjectStore,
    onDamage: RecordListener = () => {},
    { memoryBytes = defaultMemoryBytes }: { readonly memoryBytes?: number } = {},
  ) {
    this.#store = store;
    this.#onDamage = onDamage;
    this.#known = new LRUCache({ maxSize: memoryBytes });
  }

  /** Reads the present version, which is parsed once. */
  async see<T>(key: string): Promise<Seen<T>> {
    const known = this.#known.get(key);
    if (known) {
      const info = await this.#store.head(key);
      if (info?.version === known.version) return known as Seen<T>;
      this.#known.delete(key);
      if (!info) return missing;
    }
    const { size, ...seen } = await this.#read<T>(key);
    if (seen.version !== undefined)
      this.#known.set(key, seen, { size: (seen.value === undefined ? 0 : size) + 200 });
    return seen;
  }

  /** Reads a record that is not needed again: it takes no place in memory from those that are. */
  async scan<T>(key: string): Promise<ScannedRecord<T>> {
    const { value, size } = await this.#read<T>(key);
    return { value, isDamaged: size > 0 && value === undefined };
  }

  async #read<T>(key: string): Promise<Seen<T> & { readonly size: number }> {
    const object = await this.#store.get(key);
    if (!object) return { ...missing, size: 0 };
    const { size, version } = object.info;
    const parsed = size === 0 ? undefined : await readJson(object.body, key);
    const seen = { ...partsOf<T>(parsed, key), version, size };
    if (size > 0 && seen.value === undefined) this.#onDamage(key);
    return seen;
  }

  async get<T>(key: string): Promise<T | undefined> {
    return (await this.see<T>(key)).value;
  }

  /** Whether only this process changes records, so that its own locks keep changes apart. */
  get isExclusive(): boolean {
    return this.#store.isExclusive ?? false;
  }

  /** Notes that a record contradicts what it stands for. */
  noteDamage(key: string): void {
    this.#onDamage(key);
  }

  /** Tells whether a record is there, without reading it. */
  async has(key: string): Promise<boolean> {
    return ((await this.#store.head(key))?.size ?? 0) > 0;
  }

  /**
   * @param options.own names the write, of {@link newWrite}: when it fails, the name tells whether it counted
   * @param options.onGuess hears that the answer was lost and the write is not among the last ones: it may have been made
   * @returns the record as it is now; undefined when another has changed it since it was seen
   */
  async write<T extends object>(
    key: string,
    value: T,
    seen: Seen<unknown>,
    { own = newWrite(), onGuess }: WriteOptions = {},
  ): Promise<Seen<T> | undefined> {
    const writes = [own, ...seen.writes].slice(0, writesKept);
    const content = Buffer.from(JSON.stringify({ ...value, writes }));
    const version = await this.#put(key, { content, seen }, async () => {
      const now = await this.see(key);
      if (now.writes[0] === own) return now.version;
      // Another has replaced it since: what was written was there.
      if (now.writes.includes(own)) return '';
      onGuess?.();
      return undefined;
    });
    if (version === undefined) return undefined;
    const written = { value, version, writes };
    if (version !== '') this.#known.set(key, written, { size: content.byteLength + 200 });
    return written;
  }

  /**
   * Removes a record as it was seen.
   *
   * @param onGuess hears that the answer was lost, so that another may be who has removed it
   * @returns false when another has changed it
   */
  async remove(key: string, seen: Seen<unknown>, onGuess: () => void = () => {}): Promise<boolean> {
    if (seen.version === undefined) return true;
    if (this.#store.deleteVersion) return this.#store.deleteVersion(key, seen.version);
    if (seen.value === undefined && seen.writes.length === 0) return true;
    const isGone = async (): Promise<string | undefined> => {
      onGuess();
      return (await this.see(key)).value === undefined ? '' : undefined;
    };
    return (await this.#put(key, { content: Buffer.alloc(0), seen }, isGone)) !== undefined;
  }

  /** Removes a record, whatever changes it meanwhile, if it is as wanted. @returns whether it was */
  async removeIf<T extends object>(
    key: string,
    isWanted: (seen: Seen<T>) => boolean | Promise<boolean>,
    onGuess?: () => void,
  ): Promise<boolean> {
    return this.#retried(key, async () => {
      const seen = await this.see<T>(key);
      if (seen.value === undefined || !(await isWanted(seen))) return { result: false };
      return (await this.remove(key, seen, onGuess)) ? { result: true } : undefined;
    });
  }

  /**
   * Changes a record, whatever others write meanwhile.
   *
   * @param change returns the new value, or undefined to leave it as it is
   * @param own as of {@link write}
   * @returns the record before, and after
   */
  async change<T extends object>(
    key: string,
    change: (value: T | undefined) => T | undefined | Promise<T | undefined>,
    own?: string,
  ): Promise<{ readonly before: Seen<T>; readonly after: Seen<T> }> {
    return this.#retried(key, async () => {
      const before = await this.see<T>(key);
      const value = await change(before.value);
      if (value === undefined) return { result: { before, after: before } };
      const after = await this.write(key, value, before, { ...(own !== undefined && { own }) });
      return after && { result: { before, after } };
    });
  }

  /** The records below a prefix in the order of their keys, without those that were removed. */
  async *entries(
    prefix: string,
    options: CallOptions & {
      readonly after?: string | undefined;
      readonly pageSize?: number | undefined;
    } = {},
  ): AsyncGenerator<ListedObject, void, undefined> {
    for await (const entry of this.#store.entries(prefix, options)) if (entry.size > 0) yield entry;
  }

  /**
   * @param lost finds the version of an own write whose answer was lost
   * @returns the version; empty when it is not known any more, undefined when another was first
   */
  async #put(
    key: string,
    { content, seen }: { readonly content: Buffer; readonly seen: Seen<unknown> },
    lost: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const condition =
      seen.version === undefined ? { ifAbsent: true as const } : { ifVersion: seen.version };
    let isUncertain = false;
    return this.#retried(key, async () => {
      try {
        const stored = await this.#store.put(key, bytes(content), { condition });
        return { result: stored ? stored.version : isUncertain ? await lost() : undefined };
      } catch (error) {
        if (!isOciError(error) || !error.retryable) throw error;
        isUncertain = true;
        return { failure: error };
      }
    });
  }

  /** Repeats work until it has a result. */
  async #retried<T>(
    key: string,
    work: () => Promise<{ readonly result: T } | { readonly failure: OciError } | undefined>,
  ): Promise<T> {
    const contention = new Retries(contentionRule);
    const losses = new Retries(lostRule);
    for (;;) {
      const outcome = await work();
      if (outcome && 'result' in outcome) return outcome.result;
      const next = (outcome ? losses : contention).next({ retryable: true });
      // What was written is there or not.
      if (!next.again) throw outcome?.failure ?? contended(key);
      await sleep(next.delayMs);
    }
  }
}

/** Names a write of a record. */
export function newWrite(): string {
  return randomBytes(9).toString('base64url');
}

function contended(key: string): OciError {
  return new OciError('STORAGE_FAILED', `${key} is changed by others all the time`, {
    retryable: true,
  });
}

function partsOf<T>(parsed: unknown, key: string): Pick<Seen<T>, 'value' | 'writes'> {
  if (!isRecord(parsed, key)) return { value: undefined, writes: [] };
  const { writes, ...value } = parsed;
  const isNamed = Array.isArray(writes) && writes.every((write) => typeof write === 'string');
  return { value: value as T, writes: isNamed ? writes : [] };
}
