import type { CallOptions, RepositoryName } from '@oci/spec-types';

import { keys, repositoryOfKey } from './keys.js';
import type { Records } from './records.js';

interface RepositoryRecord {
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** The repositories that have, or had, a manifest, each with a record, so that a page of them costs what it holds. */
export class Repositories {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  has(name: RepositoryName): Promise<boolean> {
    return this.#records.has(keys.repository(name));
  }

  /** In ASCII order, behind `after`. */
  async *list(
    options: CallOptions & {
      readonly after?: RepositoryName | undefined;
      readonly pageSize?: number | undefined;
    } = {},
  ): AsyncGenerator<RepositoryName, void, undefined> {
    const { after, ...others } = options;
    const start = after === undefined ? {} : { after: keys.repository(after) };
    for await (const { key } of this.#records.entries(keys.repositories, { ...start, ...others }))
      yield repositoryOfKey(key);
  }

  /** To be called behind writing a manifest. */
  async enter(name: RepositoryName): Promise<void> {
    const since = Date.now();
    await this.#records.change<RepositoryRecord>(keys.repository(name), (record) =>
      record ? undefined : { since },
    );
  }

  /** Removes a repository without a manifest. @returns whether it was one */
  async removeEmpty(name: RepositoryName): Promise<boolean> {
    if (await this.hasManifest(name)) return false;
    const isRemoved = await this.#records.removeIf(keys.repository(name), () => true);
    // Who has written a manifest meanwhile may have seen the record before it was removed.
    if (!(await this.hasManifest(name))) return isRemoved;
    await this.enter(name);
    return false;
  }

  async hasManifest(name: RepositoryName): Promise<boolean> {
    for await (const entry of this.#records.entries(keys.manifests(name), { pageSize: 100 }))
      if (entry) return true;
    return false;
  }
}
