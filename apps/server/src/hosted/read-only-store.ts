import type { ObjectStore } from '@oci/cache';
import { OciError } from '@oci/spec-types';

/** A store of which nothing can be changed: who reads the storage of a running server breaks nothing by a mistake. */
export function readOnlyStore(store: ObjectStore): ObjectStore {
  return {
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    entries: (prefix, options) => store.entries(prefix, options),
    put: (key) => refuse(key),
    delete: (key) => refuse(key),
    join: (_, target) => refuse(target),
  };
}

async function refuse(key: string): Promise<never> {
  throw new OciError('INTERNAL', `${key} would be written into storage that is only read`);
}
