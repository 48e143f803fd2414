import { type Digest, type RepositoryName, isOciError } from '@oci/spec-types';

import { keys, repositoryOfKey } from './keys.js';
import type { LinkKind, LinkRecord } from './link-record.js';
import type { LinkQuota, LinkedBytes } from './quota/link-quota.js';
import type { Counted } from './quota/quota-record.js';
import type { Quotas } from './quota/quotas.js';
import { type Records, type Seen, newWrite } from './records.js';

/** A link that a deletion has condemned; without a value there was none. */
export type CondemnedLink = Seen<LinkRecord>;

/** Takes back what {@link Links.add} did. */
export type Undo = () => Promise<void>;

/** What a link is added for. */
export interface LinkedContent extends LinkedBytes {
  readonly kinds: readonly LinkKind[];
}

/** Which repositories have which content; that is all that keeps content, and what quotas count. */
export class Links {
  readonly #records: Records;
  readonly #quotas: Quotas;

  constructor(records: Records, quotas: Quotas) {
    this.#records = records;
    this.#quotas = quotas;
  }

  async has(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<boolean> {
    const link = await this.#records.get<LinkRecord>(keys.link(digest, name));
    return link?.kinds.includes(kind) ?? false;
  }

  /** As {@link has}, of a link that no deletion has condemned. */
  async isKept(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<boolean> {
    const link = await this.#records.get<LinkRecord>(keys.link(digest, name));
    return link?.kinds.includes(kind) === true && link.condemned !== true;
  }

  /**
   * Takes a link back from a deletion or a collection that has condemned it.
   *
   * @returns its kinds; undefined when it is not there
   */
  async keep(name: RepositoryName, digest: Digest): Promise<readonly LinkKind[] | undefined> {
    const { after } = await this.#records.change<LinkRecord>(keys.link(digest, name), (link) =>
      link?.condemned ? kept(link) : undefined,
    );
    return after.value?.kinds;
  }

  /** A link as it was listed, if it is of a blob that is no manifest. */
  async blobAsListed(
    name: RepositoryName,
    digest: Digest,
    version: string,
  ): Promise<CondemnedLink | undefined> {
    const seen = await this.#records.see<LinkRecord>(keys.link(digest, name));
    const isBlob = seen.value?.kinds.every((kind) => kind === 'blob') ?? false;
    return isBlob && seen.version === version ? seen : undefined;
  }

  /** Condemns a link as it was seen. @returns false when another has changed it, or there is no room for the mark */
  async condemnAs(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<boolean> {
    if (!link.value) return false;
    const condemned = { ...link.value, condemned: true };
    try {
      return (await this.#records.write(keys.link(digest, name), condemned, link)) !== undefined;
    } catch (error) {
      // A collection has to go on where the disk is full.
      if (isOciError(error, 'STORAGE_FULL')) return false;
      throw error;
    }
  }

  /** Begins a deletion; several deletions share one mark. */
  async condemn(name: RepositoryName, digest: Digest): Promise<CondemnedLink> {
    const key = keys.link(digest, name);
    try {
      const { after } = await this.#records.change<LinkRecord>(key, (link) =>
        link && !link.condemned ? { ...link, condemned: true } : undefined,
      );
      return after;
    } catch (error) {
      // A deletion has to work on a full disk; where there is no other process, locks do for the mark.
      if (!this.#records.isExclusive || !isOciError(error, 'STORAGE_FULL')) throw error;
      return this.#records.see<LinkRecord>(key);
    }
  }

  /** Tells whether nobody has written a link since it was condemned. */
  async isStill(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<boolean> {
    return (await this.#records.see(keys.link(digest, name))).version === link.version;
  }

  /** Ends a deletion that leaves the link. */
  async spare(name: RepositoryName, digest: Digest, link: CondemnedLink): Promise<void> {
    if (link.value?.condemned)
      await this.#records.write<LinkRecord>(keys.link(digest, name), kept(link.value), link);
  }

  /** @returns whether nobody has written the link since it was condemned */
  async removeCondemned(
    name: RepositoryName,
    digest: Digest,
    link: CondemnedLink,
  ): Promise<boolean> {
    if (!link.value) return this.isStill(name, digest, link);
    return this.#removeAs(keys.link(digest, name), link);
  }

  /** @returns whether nobody has written the link since it was listed */
  removeAsListed(name: RepositoryName, digest: Digest, version: string): Promise<boolean> {
    return this.#removeIf(keys.link(digest, name), (seen) => seen.version === version);
  }

  /** @throws QuotaExceeded, and nothing was added */
  async add(name: RepositoryName, digest: Digest, content: LinkedContent): Promise<Undo> {
    const key = keys.link(digest, name);
    const quota = await this.#quotas.open(name);
    try {
      return await this.#add(key, content, quota);
    } catch (error) {
      const read = async () => (await this.#records.get<LinkRecord>(key))?.counted;
      // The failure that led here is the one to tell of.
      await quota.failed(read).catch(() => {});
      throw error;
    } finally {
      quota.end();
    }
  }

  /** @returns whether it was there */
  async remove(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<boolean> {
    const key = keys.link(digest, name);
    let isThere = false;
    await this.#records.change<LinkRecord>(key, (link) => {
      isThere = link?.kinds.includes(kind) ?? false;
      const kinds = link?.kinds.filter((each) => each !== kind) ?? [];
      return link && isThere && kinds.length > 0 ? { ...link, kinds } : undefined;
    });
    const isOnly = ({ value }: Seen<LinkRecord>): boolean =>
      value?.kinds.every((each) => each === kind) ?? false;
    return (await this.#removeIf(key, isOnly)) || isThere;
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

  async #add(key: string, content: LinkedContent, quota: LinkQuota): Promise<Undo> {
    const own = newWrite();
    let before: readonly LinkKind[] = [];
    const add = async (link: LinkRecord | undefined): Promise<LinkRecord> => {
      before = link?.kinds ?? [];
      const counted = await quota.counted(link?.counted, content);
      // Written in any case: who takes an earlier addition back must not take this one with it.
      return { kinds: [...new Set([...before, ...content.kinds])], ...(counted && { counted }) };
    };
    const { after } = await this.#records
      .change<LinkRecord>(key, add, own)
      .catch(async (error: unknown) => {
        await this.#removeWritten(key, { own, before }).catch(() => {});
        throw error;
      });
    await quota.written(after.value?.counted);
    return async () => {
      if (!after.value) return;
      if (before.length === 0) await this.#removeAs(key, after);
      else await this.#records.write<LinkRecord>(key, { ...after.value, kinds: before }, after);
    };
  }

  /** Takes back an addition that was reported as failed, and may have counted all the same. */
  async #removeWritten(
    key: string,
    { own, before }: { readonly own: string; readonly before: readonly LinkKind[] },
  ): Promise<void> {
    const now = await this.#records.see<LinkRecord>(key);
    if (now.writes[0] !== own || !now.value) return;
    if (before.length === 0) await this.#records.remove(key, now);
    else await this.#records.write<LinkRecord>(key, { ...now.value, kinds: before }, now);
  }

  /** @returns false when another has changed the link since it was seen */
  async #removeAs(key: string, seen: Seen<LinkRecord>): Promise<boolean> {
    const leaving = new LeavingLink(this.#quotas);
    await leaving.see(seen);
    const isRemoved = await this.#records.remove(key, seen, leaving.onGuess);
    if (isRemoved) await leaving.release();
    return isRemoved;
  }

  async #removeIf(key: string, isWanted: (seen: Seen<LinkRecord>) => boolean): Promise<boolean> {
    const leaving = new LeavingLink(this.#quotas);
    const isLeaving = async (seen: Seen<LinkRecord>): Promise<boolean> => {
      if (!isWanted(seen)) return false;
      await leaving.see(seen);
      return true;
    };
    const isRemoved = await this.#records.removeIf<LinkRecord>(key, isLeaving, leaving.onGuess);
    if (isRemoved) await leaving.release();
    return isRemoved;
  }
}

function kept(link: LinkRecord): LinkRecord {
  const { condemned: _, ...others } = link;
  return others;
}

/** A link that is about to be removed. Only who knows to have removed it gives back what it was counted with. */
class LeavingLink {
  readonly #quotas: Quotas;
  #counted: Counted | undefined;
  #summed = 0;

  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Is to be called before the link is removed as it was seen. */
  async see({ value }: Seen<LinkRecord>): Promise<void> {
    this.#counted = value?.counted;
    if (this.#counted) this.#summed = await this.#quotas.summedOf(this.#counted.in);
  }

  readonly onGuess = (): void => {
    this.#counted = undefined;
  };

  async release(): Promise<void> {
    if (this.#counted) await this.#quotas.release(this.#counted, this.#summed);
  }
}
