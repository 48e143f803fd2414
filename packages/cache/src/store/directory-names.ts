import { createHash } from 'node:crypto';

import { type CallOptions, SingleFlight, throwIfAborted } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import { KeyTurns } from './key-turns.js';

/** Returns the names in a directory in any order, those of directories with a `/` at the end. */
export type NamesReader = (directory: string) => Promise<string[]>;

interface Walk {
  readonly id: string;
  hasBegun: boolean;
}

/** Walks of different directories at the same time. */
const lanes = 4;
/** Bytes of the names that are kept. */
const memoryBytes = 32 * 1024 * 1024;
/** Bytes that a name takes beside its characters. */
const nameOverhead = 24;

/**
 * The sorted names in the directories of a store, a directory being `''` or a key with a `/` at the end. Nobody gets
 * names that were read before a change that had ended when they asked.
 *
 * A directory is read once for all who wait for it. When only this process changes the store, who asks during a walk
 * joins it too, and its names are kept until they change.
 */
export class DirectoryNames {
  readonly #read: NamesReader;
  readonly #isExclusive: boolean;
  readonly #turns = new KeyTurns();
  readonly #flights = new SingleFlight<readonly string[]>();
  /** The walk of a directory that whoever asks now may join. */
  readonly #joinable = new Map<string, Walk>();
  /** How many changes of a directory are going on. */
  readonly #changes = new Map<string, number>();
  readonly #kept = new LRUCache<string, readonly string[]>({
    maxSize: memoryBytes,
    sizeCalculation: (names) =>
      names.reduce((bytes, name) => bytes + name.length + nameOverhead, nameOverhead),
  });
  #walks = 0;

  constructor(read: NamesReader, { isExclusive }: { readonly isExclusive: boolean }) {
    this.#read = read;
    this.#isExclusive = isExclusive;
  }

  /** Returns the names in a directory, in the order of their keys. @throws OciError `ABORTED` */
  async in(directory: string, { signal }: CallOptions = {}): Promise<readonly string[]> {
    throwIfAborted(signal);
    const kept = this.#kept.get(directory);
    if (kept) return kept;
    const walk = this.#joinable.get(directory) ?? this.#announce(directory);
    return this.#flights.do(walk.id, (stop) => this.#queue(directory, walk, stop), { signal });
  }

  /** Runs work that adds or removes a key. */
  async changing<T>(key: string, work: () => Promise<T>): Promise<T> {
    if (!this.#isExclusive) return work();
    // Those on the way to the key may be new as well.
    const directories = directoriesOf(key);
    for (const directory of directories) this.#beginChange(directory);
    try {
      return await work();
    } finally {
      for (const directory of directories) this.#endChange(directory);
    }
  }

  #announce(directory: string): Walk {
    const walk = { id: String((this.#walks += 1)), hasBegun: false };
    this.#joinable.set(directory, walk);
    return walk;
  }

  #queue(directory: string, walk: Walk, signal: AbortSignal): Promise<readonly string[]> {
    return this.#turns.take(laneOf(directory), async () => {
      try {
        throwIfAborted(signal);
        return this.#kept.get(directory) ?? (await this.#walk(directory, walk));
      } finally {
        this.#part(directory, walk);
      }
    });
  }

  async #walk(directory: string, walk: Walk): Promise<readonly string[]> {
    walk.hasBegun = true;
    if (!this.#isExclusive || this.#changes.has(directory)) this.#part(directory, walk);
    // By code unit, which for the characters of keys is the order of bytes.
    const names = (await this.#read(directory)).sort();
    if (this.#joinable.get(directory) === walk) this.#kept.set(directory, names);
    return names;
  }

  /** Nobody joins a walk any more. */
  #part(directory: string, walk: Walk): void {
    if (this.#joinable.get(directory) === walk) this.#joinable.delete(directory);
  }

  #beginChange(directory: string): void {
    this.#changes.set(directory, (this.#changes.get(directory) ?? 0) + 1);
    this.#kept.delete(directory);
    const walk = this.#joinable.get(directory);
    if (walk?.hasBegun) this.#part(directory, walk);
  }

  #endChange(directory: string): void {
    const left = (this.#changes.get(directory) ?? 1) - 1;
    if (left > 0) this.#changes.set(directory, left);
    else this.#changes.delete(directory);
  }
}

function directoriesOf(key: string): readonly string[] {
  return key.split('/').map((_, depth, segments) =>
    segments
      .slice(0, depth)
      .map((segment) => `${segment}/`)
      .join(''),
  );
}

/** Walks of one directory are in one lane, so that they follow each other. */
function laneOf(directory: string): string {
  const [byte = 0] = createHash('sha256').update(directory).digest();
  return String(byte % lanes);
}
