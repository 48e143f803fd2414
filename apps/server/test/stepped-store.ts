import type { ObjectStore } from '@oci/cache';

/** A store of whose steps one waits until other work is done; a list has a step at its begin and one at its end. */
export class SteppedStore {
  readonly store: ObjectStore;
  #left = Infinity;
  #meanwhile: () => Promise<void> = async () => {};

  constructor(store: ObjectStore) {
    const { deleteVersion } = store;
    this.store = {
      head: (...given) => this.#step().then(() => store.head(...given)),
      get: (...given) => this.#step().then(() => store.get(...given)),
      put: (...given) => this.#step().then(() => store.put(...given)),
      list: (...given) => this.#stepped(store.list(...given)),
      entries: (...given) => this.#stepped(store.entries(...given)),
      delete: (...given) => this.#step().then(() => store.delete(...given)),
      join: (...given) => this.#step().then(() => store.join(...given)),
      deleteVersion:
        deleteVersion && ((...given) => this.#step().then(() => deleteVersion.apply(store, given))),
    };
  }

  /** @param at the step from now on that waits, from 1 */
  pauseAt(at: number, meanwhile: () => Promise<void>): void {
    this.#left = at;
    this.#meanwhile = meanwhile;
  }

  async #step(): Promise<void> {
    this.#left -= 1;
    if (this.#left === 0) await this.#meanwhile();
  }

  async *#stepped<T>(items: AsyncIterable<T>): AsyncGenerator<T> {
    await this.#step();
    yield* items;
    await this.#step();
  }
}
