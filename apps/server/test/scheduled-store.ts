import { setImmediate as endOfTurn } from 'node:timers/promises';

import type { ObjectStore } from '@oci/cache';
import type * as fc from 'fast-check';

/** A store whose every step waits until a scheduler lets it go on. */
export function scheduledStore(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  const step = async (name: string): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), name);
  };
  async function* stepped<T>(name: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of items) {
      await step(name);
      yield item;
    }
  }
  return {
    async head(key) {
      await step(`head ${key}`);
      return store.head(key);
    },
    async get(key, options) {
      await step(`get ${key}`);
      const object = await store.get(key, options);
      return object && { ...object, body: stepped(`read ${key}`, object.body) };
    },
    async put(key, body, options) {
      await step(`put ${key}`);
      return store.put(key, stepped(`write ${key}`, body), options);
    },
    list: (prefix, options) => stepped(`list ${prefix}`, store.list(prefix, options)),
    entries: (prefix, options) => stepped(`entries ${prefix}`, store.entries(prefix, options)),
    async delete(key) {
      await step(`delete ${key}`);
      await store.delete(key);
    },
    deleteVersion:
      store.deleteVersion &&
      (async (key, version) => {
        await step(`delete version of ${key}`);
        return store.deleteVersion?.(key, version) ?? false;
      }),
    async join(keys, target, options) {
      await step(`join ${target}`);
      return store.join(keys, target, options);
    },
  };
}

/** Lets steps go on in the scheduler's order; each time all work is at its next step that can be. */
export function finish<T>(scheduler: fc.Scheduler, work: Promise<T>): Promise<T> {
  return scheduler.waitFor(work, async (step) => {
    await step();
    // The store shares questions that are asked in one turn of the event loop.
    for (let turn = 0; turn < 2; turn += 1) await endOfTurn();
  });
}
