import type { Digest, RepositoryName, Tag } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { EventJournal, Origin } from '../events/journal.js';
import type { HostedBlobs } from './blobs.js';
import type { KeyLocks } from './key-locks.js';
import { keys, tagOfKey } from './keys.js';
import type { CondemnedLink } from './links.js';
import type { ManifestRecord, StateCheck } from './manifest-record.js';
import { removeNoted } from './noted-removal.js';
import type { Records, Seen } from './records.js';
import { type ImmutableTags, heldByTag } from './rules/immutable-tags.js';

/** How a manifest or a tag is deleted. */
export interface Deletion {
  /** Refuses a deletion whose caller has seen another state. */
  readonly check?: StateCheck | undefined;
  /** Who deletes it, for events. */
  readonly by?: Origin | undefined;
}

/** How a manifest is removed that no tag points to. */
export interface UntaggedRemoval {
  /** Leaves the manifest when its record is another one than the caller has seen. */
  readonly isWanted: (record: ManifestRecord) => boolean;
  /** Was condemned before the caller has looked, for the last time, who refers to the manifest. */
  readonly link: CondemnedLink;
}

export interface RemovalParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly immutable: ImmutableTags;
  readonly journal: EventJournal;
  /** Of tags, in this process. */
  readonly locks: KeyLocks;
  /** The digest of a record whose content is there. */
  readonly digestOf: (record: ManifestRecord | undefined) => Promise<Digest | undefined>;
}

/** Tags that are read at the same time. */
const atOnce = 16;

/**
 * The removal of one manifest, and of what points to it. Its link is condemned first. A push writes the link before
 * all else and looks at it when all is written, so that either the push sees that the manifest goes and begins
 * again, or the removal sees what the push has written: it takes nothing that was written since it began.
 */
export class ManifestRemoval {
  readonly #parts: RemovalParts;
  readonly #name: RepositoryName;
  readonly #digest: Digest;

  constructor(
    parts: RemovalParts,
    { name, digest }: { readonly name: RepositoryName; readonly digest: Digest },
  ) {
    this.#parts = parts;
    this.#name = name;
    this.#digest = digest;
  }

  /** @returns whether the manifest was there @throws OciError `POLICY_REFUSED`, and what a check throws */
  async run({ check, by }: Deletion): Promise<boolean> {
    const { blobs, digestOf } = this.#parts;
    const tags = new Set<Tag>();
    for (;;) {
      const seen = await this.#see();
      if (!seen.value) return false;
      check?.(await digestOf(seen.value));
      const link = await blobs.condemn(this.#name, this.#digest);
      await this.#refuseKept().catch(async (error: unknown) => {
        await blobs.spare(this.#name, this.#digest, link);
        throw error;
      });
      await this.#removeTags(link, tags);
      if (await this.#removeRest(seen.value, link, { tags, by })) return true;
    }
  }

  /** @returns whether it was removed */
  async runUntagged({ isWanted, link }: UntaggedRemoval): Promise<boolean> {
    const { value } = await this.#see();
    if (value && isWanted(value) && (await this.#removeRest(value, link, { tags: new Set() })))
      return true;
    await this.#parts.blobs.spare(this.#name, this.#digest, link);
    return false;
  }

  #see(): Promise<Seen<ManifestRecord>> {
    return this.#parts.records.see<ManifestRecord>(keys.manifest(this.#name, this.#digest));
  }

  /** @throws OciError `POLICY_REFUSED` when a tag points to the manifest that nobody may delete */
  async #refuseKept(): Promise<void> {
    const { immutable, records } = this.#parts;
    if (!immutable.mayKeepTags(this.#name)) return;
    await this.#eachTag(async (tag, key) => {
      if (!immutable.isKept(this.#name, tag)) return;
      const record = await records.get<ManifestRecord>(key);
      if (record?.digest === this.#digest) throw heldByTag(this.#name, this.#digest, tag);
    });
  }

  /** @param removed gets the tags that were removed */
  async #removeTags(link: CondemnedLink, removed: Set<Tag>): Promise<void> {
    const { immutable, locks, records } = this.#parts;
    const isOf = async ({ value }: Seen<ManifestRecord>): Promise<boolean> =>
      value?.digest === this.#digest && (await this.#isStillCondemned(link));
    await this.#eachTag(async (tag, key) => {
      if (immutable.isKept(this.#name, tag)) return;
      const isRemoved = await locks.hold(key, () => records.removeIf<ManifestRecord>(key, isOf));
      if (isRemoved) removed.add(tag);
    });
  }

  /** @returns false when a push has kept the manifest */
  async #removeRest(
    { subject, mediaType, size }: ManifestRecord,
    link: CondemnedLink,
    { tags, by }: { readonly tags: ReadonlySet<Tag>; readonly by?: Origin | undefined },
  ): Promise<boolean> {
    const { records, blobs, journal } = this.#parts;
    const [name, digest] = [this.#name, this.#digest];
    const isOurs = (): Promise<boolean> => this.#isStillCondemned(link);
    if (subject) await records.removeIf(keys.referrer(name, subject, digest), isOurs);
    const what = { repository: name, digest, mediaType, size, tags: [...tags], by };
    // Before the record: who writes one behind it looks whether the link is still there.
    const isForgotten = await removeNoted(
      journal,
      { type: 'manifest.deleted', ...what },
      {
        remove: () => blobs.forget(name, digest, link),
        isThere: () => blobs.hasManifest(name, digest),
      },
    );
    if (!isForgotten) return false;
    const isGone = async (): Promise<boolean> => !(await blobs.hasManifest(name, digest));
    await records.removeIf(keys.manifest(name, digest), isGone);
    await records.removeIf(keys.usage(name, digest), isGone);
    return true;
  }

  /** Of what was read before: a push writes the link again before it writes anything else. */
  #isStillCondemned(link: CondemnedLink): Promise<boolean> {
    return this.#parts.blobs.isStillCondemned(this.#name, this.#digest, link);
  }

  async #eachTag(work: (tag: Tag, key: string) => Promise<void>): Promise<void> {
    const entries = this.#parts.records.entries(keys.tags(this.#name));
    await forEachConcurrent(entries, ({ key }) => work(tagOfKey(key), key), { limit: atOnce });
  }
}
