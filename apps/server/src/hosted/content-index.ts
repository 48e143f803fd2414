import { type Digest, OciError } from '@oci/spec-types';

import { keys } from './keys.js';
import type { Records } from './records.js';

/** Bytes that lie under a name of their own. */
export interface ContentData {
  /** Names the data; see `keys.data`. */
  readonly data: string;
  readonly size: number;
}

/** Data that is no content yet. */
export interface StagedData extends ContentData {
  /** Of `performance.now()`, before anybody else could know of the data. */
  readonly stagedAt: number;
}

/**
 * How long data may be staged, in milliseconds. A collection removes data that was older than twice as long when it
 * began and is no content, so that none becomes content while it goes.
 */
export const maxStagedMs: number = 12 * 60 * 60_000;

/** Says that bytes were hashed, and where they are. */
export interface ContentRecord extends ContentData {
  /** Is removed unless a second look finds that something refers to it. */
  readonly condemned?: boolean;
  /** Is in quarantine: the data was not what the digest says, so that the content counts as missing. */
  readonly corrupt?: CorruptMark;
}

/** Which version of data was found corrupt. */
export interface CorruptMark {
  /** Empty for data that was gone. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/**
 * Which data content is. A digest gets its record only from who has hashed the data.
 *
 * Nothing that is referred to is removed: who refers to content writes the reference first and looks into its
 * record then; who removes it condemns the record first and looks for references then. So one of the two sees the
 * other, whichever processes they are in.
 */
export class ContentIndex {
  readonly #records: Records;
  readonly #maxStagedMs: number;

  /** @param stagedMs how long data may be staged. Default {@link maxStagedMs} */
  constructor(records: Records, stagedMs: number = maxStagedMs) {
    this.#records = records;
    this.#maxStagedMs = stagedMs;
  }

  find(digest: Digest): Promise<ContentRecord | undefined> {
    return this.#records.get(keys.content(digest));
  }

  /**
   * Makes staged data the content of a digest that something refers to, unless the data that it has is as good.
   *
   * @returns the data that is not needed
   */
  async adopt(
    digest: Digest,
    staged: StagedData,
    isGood: (known: ContentData) => Promise<boolean>,
  ): Promise<string | undefined> {
    let unneeded: string | undefined;
    await this.#change(digest, async (known) => {
      if (performance.now() - staged.stagedAt > this.#maxStagedMs)
        throw new OciError('TIMEOUT', `the bytes of ${digest} came too long ago: push them again`);
      if (known?.data === staged.data) {
        unneeded = undefined;
        return known.condemned ? partsOf(staged) : undefined;
      }
      // A record of another size is damaged, whatever its data is.
      const mayKeep = known?.size === staged.size && !known.corrupt;
      const keepsKnown = mayKeep && (await isGood(known));
      unneeded = keepsKnown ? staged.data : known?.data;
      // What is in quarantine stays there for some time.
      if (known?.corrupt) unneeded = undefined;
      if (keepsKnown) return known.condemned ? partsOf(known) : undefined;
      return partsOf(staged);
    });
    return unneeded;
  }

  /** Keeps content that something refers to now. @returns whether it was there */
  async keep(digest: Digest): Promise<boolean> {
    let isThere = false;
    await this.#change(digest, async (known) => {
      isThere = known !== undefined && !known.corrupt;
      return known?.condemned ? kept(known) : undefined;
    });
    return isThere;
  }

  /** Marks the data of content as corrupt, until a push replaces it. @returns whether it still has that data */
  async markCorrupt(digest: Digest, data: string, corrupt: CorruptMark): Promise<boolean> {
    let isMarked = false;
    await this.#change(digest, async (known) => {
      isMarked = known?.data === data;
      if (!known || !isMarked || known.corrupt?.version === corrupt.version) return undefined;
      return { ...known, corrupt };
    });
    return isMarked;
  }

  /** Takes back {@link markCorrupt}: the data was found to be right. */
  async clearCorrupt(digest: Digest, data: string): Promise<void> {
    await this.#change(digest, async (known) => {
      if (known?.data !== data || !known.corrupt) return undefined;
      return { ...partsOf(known), ...(known.condemned && { condemned: true }) };
    });
  }

  /**
   * Removes the record of content unless something refers to it. In this process, nobody refers to it meanwhile.
   *
   * @returns the data that has no name then
   */
  async release(
    digest: Digest,
    isReferenced: () => Promise<boolean>,
  ): Promise<ContentData | undefined> {
    const key = keys.content(digest);
    for (;;) {
      const seen = await this.#records.see<ContentRecord>(key);
      if (!seen.value || (await isReferenced())) return undefined;
      // Where there is no other process, a deletion writes nothing: it has to work on a full disk.
      const isAlone = this.#records.isExclusive;
      const last = isAlone
        ? seen
        : await this.#records.write(key, { ...seen.value, condemned: true }, seen);
      if (!last) continue;
      if (!isAlone && (await isReferenced())) {
        await this.keep(digest);
        return undefined;
      }
      if (await this.#records.remove(key, last)) return partsOf(seen.value);
    }
  }

  async #change(
    digest: Digest,
    change: (known: ContentRecord | undefined) => Promise<ContentRecord | undefined>,
  ): Promise<void> {
    const key = keys.content(digest);
    for (;;) {
      const seen = await this.#records.see<ContentRecord>(key);
      const value = await change(seen.value);
      if (!value || (await this.#records.write(key, value, seen))) return;
    }
  }
}

/** A record that is not condemned any more. */
function kept(record: ContentRecord): ContentRecord {
  return { ...partsOf(record), ...(record.corrupt && { corrupt: record.corrupt }) };
}

function partsOf({ data, size }: ContentData): ContentData {
  return { data, size };
}
