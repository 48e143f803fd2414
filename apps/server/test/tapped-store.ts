import type { ObjectStore } from '@oci/cache';

/** Runs a request to a store, or fails it. */
export type Tap = <T>(request: string, run: () => Promise<T>) => Promise<T>;

/** A store whose requests for single objects pass through a function. */
export function tappedStore(store: ObjectStore, tap: Tap): ObjectStore {
  const { deleteVersion } = store;
  return {
    head: (...args) => tap('head', () => store.head(...args)),
    get: (...args) => tap('get', () => store.get(...args)),
    put: (...args) => tap('put', () => store.put(...args)),
    list: (...args) => store.list(...args),
    entries: (...args) => store.entries(...args),
    delete: (...args) => tap('delete', () => store.delete(...args)),
    deleteVersion:
      deleteVersion &&
      ((...args) => tap('deleteVersion', () => deleteVersion.call(store, ...args))),
    join: (...args) => tap('join', () => store.join(...args)),
  };
}
