import type { ObjectStore } from '@oci/cache';
import { OciError } from '@oci/spec-types';

/** How one change of a store goes wrong, and what fails behind it. */
export interface StoreFault {
  /** Whether the change takes effect all the same. */
  readonly takesEffect: boolean;
  /** What fails from then on: writes as on a full disk, or all calls as of a process that was killed. */
  readonly behind: 'nothing' | 'writes' | 'everything';
  readonly error: () => Error;
}

const full = (): OciError => new OciError('STORAGE_FULL', 'no space is left');
const failed = (): OciError => new OciError('STORAGE_FAILED', 'the disk fails to write');
const lost = (): OciError =>
  new OciError('STORAGE_FAILED', 'the connection broke', { retryable: true });
const killed = (): Error => new Error('the process was killed');

export const storeFaults = {
  refused: { takesEffect: false, behind: 'nothing', error: full },
  'refused, as all writes behind it': { takesEffect: false, behind: 'writes', error: full },
  'done, and reported as failed': { takesEffect: true, behind: 'nothing', error: failed },
  'done, and its answer lost': { takesEffect: true, behind: 'nothing', error: lost },
  'done, and its answer lost, as all behind it': {
    takesEffect: true,
    behind: 'everything',
    error: lost,
  },
  'not begun when the process is killed': {
    takesEffect: false,
    behind: 'everything',
    error: killed,
  },
  'the last before the process is killed': {
    takesEffect: true,
    behind: 'everything',
    error: killed,
  },
} as const satisfies Readonly<Record<string, StoreFault>>;

/** A store that counts its changes (objects written and deleted), of which one goes wrong. */
export class FaultyStore implements ObjectStore {
  readonly #store: ObjectStore;
  readonly #fault: (StoreFault & { readonly at: number }) | undefined;
  #changes = 0;
  readonly deleteVersion: ObjectStore['deleteVersion'];
  readonly isExclusive: boolean;

  /** @param fault.at counts from 1 */
  constructor(store: ObjectStore, fault?: StoreFault & { readonly at: number }) {
    this.#store = store;
    this.#fault = fault;
    this.isExclusive = store.isExclusive ?? false;
    const deleteVersion = store.deleteVersion?.bind(store);
    this.deleteVersion =
      deleteVersion &&
      ((key, version) => this.#change('delete', () => deleteVersion(key, version)));
  }

  get changes(): number {
    return this.#changes;
  }

  /** Whether the fault has come. */
  get hasFailed(): boolean {
    return this.#fault !== undefined && this.#changes >= this.#fault.at;
  }

  head: ObjectStore['head'] = async (key, options) => {
    this.#ensureAlive();
    return this.#store.head(key, options);
  };

  get: ObjectStore['get'] = async (key, options) => {
    this.#ensureAlive();
    return this.#store.get(key, options);
  };

  put: ObjectStore['put'] = (key, body, options) =>
    this.#change('write', () => this.#store.put(key, body, options));

  delete: ObjectStore['delete'] = (key, options) =>
    this.#change('delete', () => this.#store.delete(key, options));

  list: ObjectStore['list'] = (prefix, options) => this.#alive(this.#store.list(prefix, options));

  entries: ObjectStore['entries'] = (prefix, options) =>
    this.#alive(this.#store.entries(prefix, options));

  /** In the steps that directories and buckets take: one write, and a deletion of each part. */
  join: ObjectStore['join'] = async (keys, target, options) => {
    const stored = await this.put(target, this.#bytesOf(keys), options);
    for (const key of keys) await this.delete(key, options);
    return stored ?? Promise.reject(new Error('an unconditional write has no version'));
  };

  async #change<T>(kind: 'write' | 'delete', take: () => Promise<T>): Promise<T> {
    this.#ensureAlive();
    this.#changes += 1;
    const fault = this.#fault;
    if (!fault || this.#changes < fault.at) return take();
    if (this.#changes === fault.at) {
      // Room is what deletions do not need.
      if (fault.behind === 'writes' && kind === 'delete') return take();
      if (fault.takesEffect) await take();
      throw fault.error();
    }
    if (fault.behind === 'writes' && kind === 'write') throw fault.error();
    return take();
  }

  #ensureAlive(): void {
    const { at = 0, behind, error } = this.#fault ?? {};
    if (behind === 'everything' && this.#changes >= at) throw error?.();
  }

  async *#alive<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    this.#ensureAlive();
    for await (const item of items) {
      yield item;
      this.#ensureAlive();
    }
  }

  async *#bytesOf(keys: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
    for (const key of keys) {
      const object = await this.get(key);
      if (!object) throw new Error(`${key} is gone`);
      yield* object.body;
    }
  }
}
