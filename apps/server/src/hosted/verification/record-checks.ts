import type { ObjectStore } from '@oci/cache';
import { type Digest, type ResolvedManifest, isOciError, maxManifestSize } from '@oci/spec-types';
import { readBytes, verifyManifest } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import type { ContentRecord } from '../content-index.js';
import { readJson } from '../json-object.js';
import {
  type RepositoryKey,
  keys,
  partsOfLinkKey,
  partsOfManifestKey,
  repositoryWithin,
  tagOfKey,
} from '../keys.js';
import { neededContent } from '../manifest-content.js';
import type { ManifestRecord } from '../manifest-record.js';
import { isRecord } from '../record-guard.js';
import { type Finding, mostNamed } from './finding.js';

/** Records that were there at some moment of the pass, which many others rely on. */
const mostPresent = 100_000;

/** Kinds of records with nothing to check but that they can be read. */
export type PlainKind =
  | 'events'
  | 'quarantine'
  | 'quotas'
  | 'repositories'
  | 'tasks'
  | 'undelivered'
  | 'uploads'
  | 'usage';

/** Kinds of records that have to agree with others. */
export type RelatedKind = 'links' | 'manifests' | 'referrers' | 'tags';

/**
 * Tells of one record at a time what is wrong with it. A record is read from the store each time, so that what went
 * bad under a server that has it in memory is found. What changes meanwhile may look wrong: look again later.
 */
export class RecordChecks {
  readonly #store: ObjectStore;
  readonly #isSparseAllowed: boolean;
  readonly #present = new LRUCache<string, true>({ max: mostPresent });

  constructor(store: ObjectStore, { isSparseAllowed }: { readonly isSparseAllowed: boolean }) {
    this.#store = store;
    this.#isSparseAllowed = isSparseAllowed;
  }

  async check(kind: PlainKind | RelatedKind, key: string): Promise<readonly Finding[]> {
    const record = await this.#read<object>(key);
    if (record === 'gone') return [];
    if (record === 'damaged') return [this.#damaged(kind, key)];
    switch (kind) {
      case 'links':
        return this.#link(key);
      case 'manifests':
        return this.#manifest(key, record as ManifestRecord);
      case 'referrers':
        return this.#referrer(key);
      case 'tags':
        return this.#tag(key, record as ManifestRecord);
      default:
        return [];
    }
  }

  /** Tells whether a record is there that cannot be parsed. */
  async isDamaged(key: string): Promise<boolean> {
    return (await this.#read(key)) === 'damaged';
  }

  async #link(key: string): Promise<readonly Finding[]> {
    const parts = partsOfLinkKey(key);
    if (!parts) return [this.#damaged('links', key)];
    if (await this.#isThere(keys.content(parts.digest))) return [];
    return [findingOf('link-dangling', key, parts)];
  }

  async #manifest(key: string, record: ManifestRecord): Promise<readonly Finding[]> {
    const parts = partsOfManifestKey(key);
    if (!parts) return [this.#damaged('manifests', key)];
    const content = await this.#content(parts.digest);
    const isLinked = await this.#isThere(keys.link(parts.digest, parts.name));
    if (!isLinked || content?.size !== record.size)
      return [findingOf('manifest-without-content', key, parts)];
    const findings: Finding[] = [];
    if (!(await this.#isThere(keys.repository(parts.name))))
      findings.push(findingOf('manifest-unlisted', key, parts));
    const manifest = content.corrupt ? undefined : await this.#parsed(record, content);
    if (manifest) findings.push(...(await this.#document(key, { parts, record, manifest })));
    return findings;
  }

  async #document(
    key: string,
    {
      parts,
      record,
      manifest,
    }: {
      readonly parts: RepositoryKey;
      readonly record: ManifestRecord;
      readonly manifest: ResolvedManifest;
    },
  ): Promise<readonly Finding[]> {
    const findings: Finding[] = [];
    const { name, digest } = parts;
    const subject = manifest.document.subject?.digest;
    if (subject !== record.subject) findings.push(findingOf('record-damaged', key, parts));
    else if (subject && !(await this.#isThere(keys.referrer(name, subject, digest))))
      findings.push(findingOf('referrer-unlisted', key, parts));
    const missing = this.#isSparseAllowed ? [] : await this.#missingOf(parts, manifest);
    if (missing.length > 0)
      findings.push({ ...findingOf('manifest-incomplete', key, parts), missing });
    return findings;
  }

  async #missingOf(
    { name }: RepositoryKey,
    manifest: ResolvedManifest,
  ): Promise<readonly Digest[]> {
    const missing = new Set<Digest>();
    for (const { digest } of neededContent(manifest)) {
      if (missing.size === mostNamed) break;
      const holder =
        manifest.kind === 'index' ? keys.manifest(name, digest) : keys.link(digest, name);
      const isThere = await this.#isThere(holder, keys.content(digest));
      if (!isThere) missing.add(digest);
    }
    return [...missing];
  }

  async #referrer(key: string): Promise<readonly Finding[]> {
    const parts = partsOfManifestKey(key);
    if (!parts) return [this.#damaged('referrers', key)];
    const { name, digest } = parts;
    const record = await this.#read<ManifestRecord>(keys.manifest(name, digest));
    // Told of as a record of its own.
    if (record === 'damaged') return [];
    const isOf =
      record !== 'gone' && record.subject && keys.referrer(name, record.subject, digest) === key;
    return isOf ? [] : [findingOf('referrer-dangling', key, parts)];
  }

  async #tag(key: string, { digest, size }: ManifestRecord): Promise<readonly Finding[]> {
    const name = repositoryWithin(key);
    const manifest = await this.#read<ManifestRecord>(keys.manifest(name, digest));
    const isThere = manifest !== 'gone' && manifest !== 'damaged';
    if (isThere && manifest.size === size) return [];
    const kind = isThere ? 'record-damaged' : 'tag-dangling';
    return [{ ...findingOf(kind, key, { name, digest }), tag: tagOfKey(key) }];
  }

  /** The manifest; undefined where its bytes are wrong, which the check of its content tells. */
  async #parsed(
    { mediaType, digest, size }: ManifestRecord,
    { data }: ContentRecord,
  ): Promise<ResolvedManifest | undefined> {
    const object = await this.#store.get(keys.data(data));
    if (!object) return undefined;
    try {
      const bytes = await readBytes(object.body, { limit: maxManifestSize, what: digest });
      return verifyManifest(bytes, { mediaType, digest, size });
    } catch (error) {
      if (!isOciError(error) || isOciError(error, 'STORAGE_FAILED', 'ABORTED')) throw error;
      return undefined;
    }
  }

  async #content(digest: Digest): Promise<ContentRecord | undefined> {
    const record = await this.#read<ContentRecord>(keys.content(digest));
    return typeof record === 'string' ? undefined : record;
  }

  /** Tells whether records are there, or were, earlier in the pass. */
  async #isThere(...wanted: readonly string[]): Promise<boolean> {
    for (const key of wanted) {
      if (this.#present.has(key)) continue;
      const info = await this.#store.head(key);
      if (!info || info.size === 0) return false;
      this.#present.set(key, true);
    }
    return true;
  }

  async #read<T extends object>(key: string): Promise<T | 'gone' | 'damaged'> {
    const object = await this.#store.get(key);
    if (!object) return 'gone';
    const parsed = await readJson(object.body, key);
    if (object.info.size === 0) return 'gone';
    return isRecord(parsed, key) ? (parsed as unknown as T) : 'damaged';
  }

  #damaged(kind: PlainKind | RelatedKind, key: string): Finding {
    const parts = kind === 'links' ? partsOfLinkKey(key) : partsOfManifestKey(key);
    const isOfRepository = kind === 'tags' || kind === 'manifests' || kind === 'referrers';
    return {
      kind: 'record-damaged',
      key,
      repositories: isOfRepository ? [repositoryWithin(key)] : parts ? [parts.name] : [],
      ...(kind === 'tags' && { tag: tagOfKey(key) }),
      ...(parts && kind !== 'tags' && { digest: parts.digest }),
    };
  }
}

function findingOf(kind: Finding['kind'], key: string, { name, digest }: RepositoryKey): Finding {
  return { kind, key, digest, repositories: [name] };
}
