import {
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  artifactTypeOf,
} from '@oci/spec-types';
import type { ManifestReference } from '@oci/spec-types/registry-api';

import type { EventJournal, Origin } from '../events/journal.js';
import { maxStagedMs } from './content-index.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';
import { type ContentParts, ManifestContent } from './manifest-content.js';
import type { ManifestRecord, StateCheck } from './manifest-record.js';
import { RecordChanges } from './record-changes.js';
import type { Seen } from './records.js';
import { referrerEntryOf } from './referrer-entry.js';
import type { Repositories } from './repositories.js';
import type { ImmutableTags } from './rules/immutable-tags.js';

/** How a manifest is put. */
export interface ManifestPut {
  readonly tags: readonly Tag[];
  /** Says which record has to be in a state, and in which. */
  readonly check?:
    { readonly reference: ManifestReference; readonly state: StateCheck } | undefined;
  /** Store the manifest although the repository lacks content of it. Default false. */
  readonly isSparse?: boolean;
  /** The repository has the manifest, so that only tags are written. Default false. */
  readonly isStored?: boolean;
  /** Milliseconds since the epoch. Default: now. */
  readonly pushedAt?: number | undefined;
  /** Who puts it, for events. */
  readonly by?: Origin | undefined;
}

/**
 * Writes a record, unless another has changed it since it was checked.
 *
 * @param allow throws when the record that is replaced has to stay
 * @returns whether it was written
 */
type RecordWriter = (
  key: string,
  value: ManifestRecord,
  allow?: (before: ManifestRecord | undefined) => void,
) => Promise<boolean>;

/** The record that a push was told the state of. */
interface CheckedRecord {
  readonly key: string;
  readonly seen: Seen<ManifestRecord>;
}

export interface PushParts extends ContentParts {
  readonly repositories: Repositories;
  readonly journal: EventJournal;
  readonly immutable: ImmutableTags;
  /** How long a push may take from its look at its blobs on, in milliseconds. Default {@link maxStagedMs} */
  readonly maxPushMs?: number | undefined;
}

/** The storing of one manifest, of which all is there or nothing. */
export class ManifestPush {
  readonly #parts: PushParts;
  readonly #name: RepositoryName;
  readonly #manifest: ResolvedManifest;
  readonly #put: ManifestPut;
  readonly #named: ManifestContent;

  constructor(
    parts: PushParts,
    { name, manifest, put }: { name: RepositoryName; manifest: ResolvedManifest; put: ManifestPut },
  ) {
    this.#parts = parts;
    this.#name = name;
    this.#manifest = manifest;
    this.#put = put;
    const isSparse = put.isSparse ?? false;
    this.#named = new ManifestContent(parts, { name, manifest, isSparse });
  }

  /** @throws OciError `BLOB_UNKNOWN`, `LIMIT_EXCEEDED`, `POLICY_REFUSED`, and what a check throws */
  async run(): Promise<void> {
    while (!(await this.#try()));
  }

  /** @returns false when another has changed what this push relies on */
  async #try(): Promise<boolean> {
    const changes = new RecordChanges(this.#parts.records);
    try {
      const isDone = await this.#write(changes);
      if (!isDone) await changes.takeBack();
      return isDone;
    } catch (error) {
      await changes.takeBack();
      throw error;
    }
  }

  async #write(changes: RecordChanges): Promise<boolean> {
    const { tags, isStored, pushedAt = Date.now() } = this.#put;
    const { mediaType } = this.#manifest;
    const { digest, size } = this.#manifest.descriptor;
    const checked = await this.#checked();
    await this.#refuseMoves(checked);
    const lookedAt = performance.now();
    const put: RecordWriter = async (key, value, allow) => {
      if (checked?.key === key)
        return (await changes.replace(key, value, checked.seen)) !== undefined;
      await changes.put(key, value, allow);
      return true;
    };
    const tagged = { mediaType, digest, size, pushedAt };
    const isThere = isStored ? await this.#stored() : await this.#store(tagged, { changes, put });
    if (!isThere) return false;
    for (const tag of tags)
      if (!(await put(keys.tag(this.#name, tag), tagged, this.#allowMove(tag)))) return false;
    if (!(await this.#isWhole())) return false;
    this.#refuseLate(lookedAt);
    // The last step, so that an event tells of what stays.
    await this.#note();
    return true;
  }

  /**
   * A collection removes a blob a day after it has condemned it, when no manifest names it then: who has seen it
   * before has to be done. @throws OciError `TIMEOUT`
   */
  #refuseLate(lookedAt: number): void {
    const { maxPushMs = maxStagedMs } = this.#parts;
    if (this.#put.isStored || performance.now() - lookedAt <= maxPushMs) return;
    const { digest } = this.#manifest.descriptor;
    throw new OciError('TIMEOUT', `the push of ${digest} took too long: push it again`);
  }

  async #note(): Promise<void> {
    const { digest, size } = this.#manifest.descriptor;
    const { tags, by } = this.#put;
    await this.#parts.journal.note({
      type: 'manifest.pushed',
      repository: this.#name,
      tags: [...new Set(tags)],
      digest,
      mediaType: this.#manifest.mediaType,
      size,
      artifactType: artifactTypeOf(this.#manifest),
      by,
    });
  }

  /** Returns what throws when a tag that points elsewhere has to stay as it is. */
  #allowMove(tag: Tag): (before: ManifestRecord | undefined) => void {
    const { digest: to } = this.#manifest.descriptor;
    return (before) =>
      this.#parts.immutable.refuseMove({ name: this.#name, tag }, { from: before?.digest, to });
  }

  /** Before anything is stored; each tag is looked at again as it is written. */
  async #refuseMoves(checked: CheckedRecord | undefined): Promise<void> {
    const { immutable, records } = this.#parts;
    for (const tag of this.#put.tags) {
      if (!immutable.has(this.#name, tag)) continue;
      const key = keys.tag(this.#name, tag);
      const { value } =
        checked?.key === key ? checked.seen : await records.see<ManifestRecord>(key);
      this.#allowMove(tag)(value);
    }
  }

  /** @returns false when another has changed the record of the manifest */
  async #store(
    tagged: ManifestRecord,
    { changes, put }: { readonly changes: RecordChanges; readonly put: RecordWriter },
  ): Promise<boolean> {
    const { blobs, repositories } = this.#parts;
    const name = this.#name;
    const { digest, size } = tagged;
    const { subject } = this.#manifest.document;
    const entry = subject && referrerEntryOf(this.#manifest);
    await this.#named.ensureThere();
    const body = bytes(this.#manifest.bytes);
    const descriptor = { digest, size };
    changes.onFailure(await blobs.put(name, { descriptor, body, kinds: ['blob', 'manifest'] }));
    const record: ManifestRecord = { ...tagged, ...(subject && { subject: subject.digest }) };
    if (!(await put(keys.manifest(name, digest), record))) return false;
    if (subject && entry) await changes.put(keys.referrer(name, subject.digest, digest), entry);
    await repositories.enter(name);
    return true;
  }

  /** Keeps a manifest that is there from a deletion in progress. @throws OciError `MANIFEST_UNKNOWN` */
  async #stored(): Promise<boolean> {
    const { records, blobs } = this.#parts;
    const { digest } = this.#manifest.descriptor;
    const isLinked = await blobs.keepManifest(this.#name, digest);
    if (isLinked && (await records.has(keys.manifest(this.#name, digest)))) return true;
    throw new OciError('MANIFEST_UNKNOWN', `${this.#name} has no ${digest}`);
  }

  /** Tells whether nobody who deletes the manifest, or one that it lists, has taken what was written or found here. */
  async #isWhole(): Promise<boolean> {
    const { records, blobs } = this.#parts;
    const { digest } = this.#manifest.descriptor;
    const [record, isKept] = await Promise.all([
      records.see<ManifestRecord>(keys.manifest(this.#name, digest)),
      blobs.isManifestKept(this.#name, digest),
    ]);
    if (!isKept || record.value === undefined) return false;
    const { isSparse, isStored } = this.#put;
    if (!isSparse && !isStored) await this.#named.keepChildren();
    return true;
  }

  async #checked(): Promise<CheckedRecord | undefined> {
    const { check } = this.#put;
    if (!check) return undefined;
    const { reference, state } = check;
    const key =
      'tag' in reference
        ? keys.tag(this.#name, reference.tag)
        : keys.manifest(this.#name, reference.digest);
    const seen = await this.#parts.records.see<ManifestRecord>(key);
    state(await this.#parts.digestOf(seen.value));
    return { key, seen };
  }
}
