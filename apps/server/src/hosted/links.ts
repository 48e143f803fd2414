import type { Digest, RepositoryName } from '@oci/spec-types';

import { keys, repositoryOfKey } from './keys.js';
import type { Records, Seen } from './records.js';

/** What content is in a repository: a blob that clients may ask for, a manifest, or both. */
export type LinkKind = 'blob' | 'manifest';

interface LinkRecord {
  readonly kinds: readonly LinkKind[];
}

/** Takes back what {@link Links.add} did. */
export type Undo = () => Promise<void>;

/** Which repositories have which content; that is all that keeps content. */
export class Links {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  async has(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<boolean> {
    const link = await this.#records.get<LinkRecord>(keys.link(digest, name));
    return link?.kinds.includes(kind) ?? false;
  }

  async add(name: RepositoryName, digest: Digest, added: readonly LinkKind[]): Promise<Undo> {
    const key = keys.link(digest, name);
    let before: readonly LinkKind[] = [];
    const { after } = await this.#records.change<LinkRecord>(key, (link) => {
      before = link?.kinds ?? [];
      // Written in any case: who takes an earlier addition back must not take this one with it.
      return { kinds: [...new Set([...before, ...added])] };
    });
    return async () => {
      if (before.length === 0) await this.#records.remove(key, after);
      else await this.#records.write<LinkRecord>(key, { kinds: before }, after);
    };
  }

  /** @returns whether it was there */
  async remove(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<boolean> {
    const key = keys.link(digest, name);
    let isThere = false;
    await this.#records.change<LinkRecord>(key, (link) => {
      isThere = link?.kinds.includes(kind) ?? false;
      const kinds = link?.kinds.filter((each) => each !== kind) ?? [];
      return isThere && kinds.length > 0 ? { kinds } : undefined;
    });
    const isOnly = ({ value }: Seen<LinkRecord>): boolean =>
      value?.kinds.every((each) => each === kind) ?? false;
    return (await this.#records.removeIf(key, isOnly)) || isThere;
  }

  /** @returns whether it was there, as whatever */
  removeAll(name: RepositoryName, digest: Digest): Promise<boolean> {
    return this.#records.removeIf(keys.link(digest, name), () => true);
  }

  async isReferenced(digest: Digest): Promise<boolean> {
    for await (const entry of this.#records.entries(keys.links(digest), { pageSize: 100 }))
      if (entry) return true;
    return false;
  }

  /** The repositories that have content, in ASCII order. */
  async *holders(digest: Digest): AsyncGenerator<RepositoryName, void, undefined> {
    for await (const { key } of this.#records.entries(keys.links(digest)))
      yield repositoryOfKey(key);
  }
}
