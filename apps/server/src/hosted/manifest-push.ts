import {
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  artifactTypeOf,
  childrenOf,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';
import type { ManifestReference } from '@oci/spec-types/registry-api';

import type { EventJournal, Origin } from '../events/journal.js';
import type { HostedBlobs } from './blobs.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';
import type { ManifestRecord, StateCheck } from './manifest-record.js';
import { RecordChanges } from './record-changes.js';
import type { Records, Seen } from './records.js';
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

export interface PushParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  readonly repositories: Repositories;
  readonly journal: EventJournal;
  readonly immutable: ImmutableTags;
  /** The digest of a record whose content is there. */
  readonly digestOf: (
    record: ManifestRecord | undefined,
  ) => Promise<ManifestRecord['digest'] | undefined>;
}

/** Checks of a layer or child at the same time. */
const atOnce = 8;

/** What a repository has to have for a manifest: what is fetched from elsewhere is not. */
export function neededContent(manifest: ResolvedManifest): readonly Descriptor[] {
  return childrenOf(manifest).filter(({ urls }) => !urls?.length);
}

/** The storing of one manifest, of which all is there or nothing. */
export class ManifestPush {
  readonly #parts: PushParts;
  readonly #name: RepositoryName;
  readonly #manifest: ResolvedManifest;
  readonly #put: ManifestPut;

  constructor(
    parts: PushParts,
    { name, manifest, put }: { name: RepositoryName; manifest: ResolvedManifest; put: ManifestPut },
  ) {
    this.#parts = parts;
    this.#name = name;
    this.#manifest = manifest;
    this.#put = put;
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
    // The last step, so that an event tells of what stays.
    await this.#note();
    return true;
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
    if (!this.#put.isSparse) await this.#refuseMissingContent();
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
    if (!isSparse && !isStored) await this.#keepChildren();
    return true;
  }

  /** Keeps what an index lists from deletions in progress. @throws OciError `BLOB_UNKNOWN` */
  async #keepChildren(): Promise<void> {
    if (this.#manifest.kind !== 'index') return;
    const needed = this.#manifest.document.manifests.filter(({ urls }) => !urls?.length);
    const keep = async ({ digest }: Descriptor): Promise<void> => {
      if (!(await this.#parts.blobs.keepManifest(this.#name, digest))) throw this.#missing(digest);
    };
    await forEachConcurrent(needed, keep, { limit: atOnce });
  }

  #missing(digest: Digest): OciError {
    return new OciError('BLOB_UNKNOWN', `${this.#name} does not have ${digest}`);
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

  /** A subject may be missing (distribution-spec, "Pushing Manifests with Subject"); content may not. */
  async #refuseMissingContent(): Promise<void> {
    const isIndex = this.#manifest.kind === 'index';
    const wanted = neededContent(this.#manifest);
    for (let at = 0; at < wanted.length; at += atOnce) {
      const batch = wanted.slice(at, at + atOnce);
      const isThere = await Promise.all(
        batch.map((each) => (isIndex ? this.#hasManifest(each) : this.#hasBlob(each))),
      );
      const missing = batch.find((_, index) => !isThere[index]);
      if (missing) throw this.#missing(missing.digest);
    }
  }

  async #hasBlob({ digest }: Descriptor): Promise<boolean> {
    return (await this.#parts.blobs.find(this.#name, digest)) !== undefined;
  }

  async #hasManifest({ digest }: Descriptor): Promise<boolean> {
    const { records, digestOf } = this.#parts;
    const record = await records.get<ManifestRecord>(keys.manifest(this.#name, digest));
    return (await digestOf(record)) !== undefined;
  }
}
