import type { ListedObject } from '@oci/cache';
import {
  type Digest,
  type RepositoryName,
  type Tag,
  isIndexMediaType,
  referrersTag,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { digestOfManifestKey, keys } from '../keys.js';
import type { CondemnedLink } from '../links.js';
import type { ManifestRecord } from '../manifest-record.js';
import type { RetentionWork } from './retention.js';
import type { RetentionRule } from './retention-rule.js';
import { daysText } from './tag-retention.js';

/** Manifests that are compared at once with all tags and indexes of their repository. */
const batchSize = 100_000;
/** Manifests that are removed between two looks. */
const removedAtOnce = 1000;
const atOnce = 8;
const dayMs = 24 * 60 * 60_000;
/** Clocks of machines that differ by more are not reckoned with, in milliseconds. */
const clockDistanceMs = 12 * 60 * 60_000;

/** Suffixes of the tags under which tools keep what belongs to a manifest. */
const sidecars = ['', '.sig', '.att', '.sbom'];

/** A manifest that seems to go. */
interface Due {
  readonly digest: Digest;
  readonly record: ManifestRecord;
  readonly why: string;
}

/**
 * Removes the manifests of one repository that nothing has referred to for some days: no tag, no index, and, of a
 * referrer, no subject that is there. The first run that sees such a manifest notes when; a push of it ends that.
 * Referrers go with their subject.
 *
 * Before any go they are condemned, and tags and indexes that came meanwhile are looked at once more. A push of an
 * index looks at what it lists when it is stored: so one of the two sees the other.
 */
export class UntaggedRetention {
  readonly #work: RetentionWork;
  readonly #name: RepositoryName;
  readonly #rule: RetentionRule;

  constructor(
    work: RetentionWork,
    { name, rule }: { readonly name: RepositoryName; readonly rule: RetentionRule },
  ) {
    this.#work = work;
    this.#name = name;
    this.#rule = rule;
  }

  /** @throws UnreadableReference when it is not known what an index, or a record, refers to */
  async run(): Promise<void> {
    for (let after: string | undefined; ;) {
      const batch = new Set<Digest>();
      let last = after;
      for await (const { key } of this.#entries(keys.manifests(this.#name), after)) {
        last = key;
        const digest = digestOfManifestKey(key);
        if (digest) batch.add(digest);
        if (batch.size >= batchSize) break;
      }
      if (batch.size > 0) await this.#runBatch(batch);
      if (last === undefined || batch.size < batchSize) return;
      after = last;
    }
  }

  async #runBatch(batch: Set<Digest>): Promise<void> {
    const lookedAt = Date.now();
    const marked = new Set<Digest>();
    const all = new Set(batch);
    await this.#dropReferred(batch, (digest) => {
      if (all.has(digest)) marked.add(digest);
    });
    for (const digest of marked) if (!batch.has(digest)) await this.#unmark(digest);
    let due = await this.#dueOf(batch);
    while (due.length > 0) {
      const removed: Due[] = [];
      for (let at = 0; at < due.length; at += removedAtOnce)
        removed.push(...(await this.#remove(due.slice(at, at + removedAtOnce), lookedAt)));
      for (const { digest } of removed) batch.delete(digest);
      due = await this.#referrersOf(removed, batch);
    }
  }

  /** Takes what tags and indexes refer to from a batch. @param onMark hears of manifests that an earlier run has noted */
  async #dropReferred(
    batch: Set<Digest>,
    onMark: (digest: Digest) => void = () => {},
    isWanted: (entry: ListedObject) => boolean = () => true,
  ): Promise<void> {
    await this.#eachRecord(keys.tags(this.#name), isWanted, async ({ digest }) => {
      batch.delete(digest);
    });
    await this.#eachRecord(keys.manifests(this.#name), isWanted, async (record) => {
      if (record.untaggedSince !== undefined) onMark(record.digest);
      if (!isIndexMediaType(record.mediaType)) return;
      for (const digest of await this.#listedBy(record.digest)) batch.delete(digest);
    });
  }

  async #listedBy(digest: Digest): Promise<readonly Digest[]> {
    const { manifests } = this.#work;
    const found = await manifests.find(this.#name, { digest });
    const manifest = found && (await manifests.read(found).catch(() => undefined));
    if (manifest?.kind === 'index') return manifest.document.manifests.map((child) => child.digest);
    // One that was deleted meanwhile lists nothing any more.
    if (!(await this.#work.records.has(keys.manifest(this.#name, digest)))) return [];
    throw new UnreadableReference(digest);
  }

  /** What nothing has referred to for long enough. */
  async #dueOf(batch: ReadonlySet<Digest>): Promise<readonly Due[]> {
    const due: Due[] = [];
    const { tally, signal } = this.#work;
    const look = async (digest: Digest): Promise<void> => {
      tally.looked('manifests');
      const why = await this.#whyNot(digest);
      if (why) due.push(why);
    };
    await forEachConcurrent(batch, look, { limit: atOnce, signal });
    return due;
  }

  async #whyNot(digest: Digest): Promise<Due | undefined> {
    const { records, now, dryRun } = this.#work;
    const { untaggedDays = Infinity, keepPulledDays } = this.#rule;
    const key = keys.manifest(this.#name, digest);
    const seen = await records.see<ManifestRecord>(key);
    const record = seen.value;
    // The manifests of an index come before it.
    if (!record || now - record.pushedAt < dayMs) return undefined;
    const { subject, untaggedSince } = record;
    if (subject && (await records.has(keys.manifest(this.#name, subject)))) return undefined;
    if (untaggedSince === undefined) {
      if (!dryRun) await records.write(key, { ...record, untaggedSince: now }, seen);
      return undefined;
    }
    const restedMs = now - untaggedSince;
    if (restedMs < untaggedDays * dayMs) return undefined;
    if (keepPulledDays !== undefined) {
      const idleMs = await this.#work.idleMs(this.#name, digest, record.pushedAt);
      if (idleMs < keepPulledDays * dayMs) return undefined;
    }
    return { digest, record, why: `nothing has referred to it for ${daysText(restedMs)}` };
  }

  async #unmark(digest: Digest): Promise<void> {
    const { records, dryRun } = this.#work;
    if (dryRun) return;
    const key = keys.manifest(this.#name, digest);
    const seen = await records.see<ManifestRecord>(key);
    if (seen.value?.untaggedSince === undefined) return;
    const { untaggedSince: _, ...record } = seen.value;
    await records.write(key, record, seen);
  }

  /** @param lookedAt milliseconds since the epoch, of the first look @returns what was removed */
  async #remove(due: readonly Due[], lookedAt: number): Promise<readonly Due[]> {
    const removed: Due[] = [];
    const { dryRun, signal } = this.#work;
    const links = dryRun ? undefined : await this.#condemn(due);
    const left = new Set(due.map(({ digest }) => digest));
    const isNew = ({ modifiedAt }: ListedObject): boolean =>
      modifiedAt >= lookedAt - clockDistanceMs;
    try {
      await this.#dropReferred(left, undefined, isNew);
    } catch (error) {
      left.clear();
      throw error;
    } finally {
      const end = async (each: Due): Promise<void> => {
        const link = links?.get(each.digest);
        if (left.has(each.digest) && (await this.#removeOne(each, link))) removed.push(each);
        else if (link) await this.#work.blobs.spare(this.#name, each.digest, link);
      };
      await forEachConcurrent(due, end, { limit: atOnce, signal });
    }
    return removed;
  }

  async #condemn(due: readonly Due[]): Promise<ReadonlyMap<Digest, CondemnedLink>> {
    const links = new Map<Digest, CondemnedLink>();
    const condemn = async ({ digest }: Due): Promise<void> => {
      links.set(digest, await this.#work.blobs.condemn(this.#name, digest));
    };
    await forEachConcurrent(due, condemn, { limit: atOnce, signal: this.#work.signal });
    return links;
  }

  /** @param link absent in a dry run */
  async #removeOne(
    { digest, record, why }: Due,
    link: CondemnedLink | undefined,
  ): Promise<boolean> {
    const { manifests, records, tally } = this.#work;
    const { subject } = record;
    // In a dry run the subject of what goes with it is still there.
    if (link && subject && (await records.has(keys.manifest(this.#name, subject)))) return false;
    const isWanted = ({ pushedAt, untaggedSince }: ManifestRecord): boolean =>
      pushedAt === record.pushedAt && untaggedSince === record.untaggedSince;
    if (link && !(await manifests.removeUntagged(this.#name, digest, { isWanted, link })))
      return false;
    tally.removed({ kind: 'manifests', repository: this.#name, digest, why });
    for (const suffix of sidecars)
      await this.#removeSidecar(`${referrersTag(digest)}${suffix}` as Tag, digest);
    return true;
  }

  /** A tag of a signature is of no use without what is signed; its manifest goes as others that have no tag. */
  async #removeSidecar(tag: Tag, subject: Digest): Promise<void> {
    const { manifests, records, dryRun, tally } = this.#work;
    const record = await records.get<ManifestRecord>(keys.tag(this.#name, tag));
    if (!record || !(dryRun || (await manifests.deleteTag(this.#name, tag)))) return;
    const { digest } = record;
    const why = `belongs to ${subject}, which is removed`;
    tally.removed({ kind: 'tags', repository: this.#name, tag, digest, why });
  }

  /** What has to go with its subject: nothing else refers to it. */
  async #referrersOf(removed: readonly Due[], batch: ReadonlySet<Digest>): Promise<readonly Due[]> {
    const { manifests, records } = this.#work;
    const due: Due[] = [];
    for (const { digest: subject } of removed) {
      for await (const { digest } of manifests.referrers(this.#name, subject)) {
        const isAlone = batch.has(digest);
        const record =
          isAlone && (await records.get<ManifestRecord>(keys.manifest(this.#name, digest)));
        if (record) due.push({ digest, record, why: `refers to ${subject}, which is removed` });
      }
    }
    return due;
  }

  async #eachRecord(
    prefix: string,
    isWanted: (entry: ListedObject) => boolean,
    work: (record: ManifestRecord) => Promise<void>,
  ): Promise<void> {
    const { records, signal } = this.#work;
    const read = async (entry: ListedObject): Promise<void> => {
      if (!isWanted(entry)) return;
      const { value, isDamaged } = await records.scan<ManifestRecord>(entry.key);
      // It may be that of an index, or of a tag, which is what keeps a manifest.
      if (isDamaged) throw new UnreadableReference(entry.key);
      if (value) await work(value);
    };
    await forEachConcurrent(this.#entries(prefix), read, { limit: atOnce, signal });
  }

  #entries(prefix: string, after?: string): AsyncIterable<ListedObject> {
    const { records, signal } = this.#work;
    return records.entries(prefix, { signal, after });
  }
}

/** An index or a record that cannot be read, so that it is not known what it refers to. */
export class UnreadableReference extends Error {
  constructor(what: string) {
    super(`${what} cannot be read`);
  }
}
