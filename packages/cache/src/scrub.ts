import { type Digest, type EventListener, isDigest, throwIfAborted } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { ContentStore } from './content-store.js';
import { stateNames } from './cache-format.js';
import { type MaterializedCheckParts, checkMaterialized } from './materialized-check.js';
import type { MarkerFiles } from './state/marker-files.js';

export interface ScrubOptions {
  /** Blobs that are hashed at once. Default 4. */
  readonly concurrency?: number | undefined;
  /** Blobs to look at; the next run goes on behind them. Default all. */
  readonly limit?: number | undefined;
  /** Begins with the first blob, wherever an earlier run ended. */
  readonly restart?: boolean | undefined;
  /** Quarantines nothing, and notes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
  readonly onProgress?: ((progress: ScrubProgress) => void) | undefined;
}

export interface ScrubProgress {
  readonly blobs: number;
  readonly bytes: number;
  readonly damaged: number;
}

export interface ScrubReport {
  /** Blobs that were hashed in this run. */
  readonly blobs: number;
  readonly bytes: number;
  /** Quarantined, and fetched again when they are needed. */
  readonly damaged: readonly Digest[];
  /** Files at the guide's paths that were hashed: by the run that reaches the last blob. */
  readonly files: number;
  /** Of these, paths below the cache directory; removed, and made anew by the next pull. */
  readonly damagedFiles: readonly string[];
  /** Behind which blob an earlier run had ended. */
  readonly resumedAfter?: Digest;
  /** Whether the last blob was reached. */
  readonly finished: boolean;
}

/** Blobs between two notes of how far it is. */
const stride = 64;

interface ScrubParts extends MaterializedCheckParts {
  readonly content: ContentStore;
  readonly state: MarkerFiles;
}

/**
 * Hashes every blob, whatever is recorded about it, in the order of digests. A run that was interrupted,
 * or that reached its limit, is gone on with.
 *
 * @throws OciError `ABORTED`; what was done stays done
 */
export async function scrub(parts: ScrubParts, options: ScrubOptions = {}): Promise<ScrubReport> {
  const { restart, dryRun = false, signal } = options;
  const noted = restart || dryRun ? undefined : await parts.state.read(stateNames.scrub);
  const resumedAfter = noted !== undefined && isDigest(noted) ? noted : undefined;
  const blobs = new BlobScrub(parts, options);
  const finished = await blobs.run(resumedAfter);
  const files = finished
    ? await checkMaterialized(parts, { dryRun, signal })
    : { files: 0, bytes: 0, damaged: [] };
  return {
    blobs: blobs.count,
    bytes: blobs.bytes + files.bytes,
    damaged: blobs.damaged,
    files: files.files,
    damagedFiles: files.damaged,
    finished,
    ...(resumedAfter !== undefined && { resumedAfter }),
  };
}

/** Hashes blobs in groups, and notes behind each how far it is. */
class BlobScrub {
  count = 0;
  bytes = 0;
  readonly damaged: Digest[] = [];
  readonly #parts: ScrubParts;
  readonly #options: ScrubOptions;

  constructor(parts: ScrubParts, options: ScrubOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** @returns whether it reached the last blob */
  async run(after: Digest | undefined): Promise<boolean> {
    const { limit = Infinity, dryRun, signal } = this.#options;
    let group: Digest[] = [];
    for await (const digest of this.#parts.content.list(after)) {
      throwIfAborted(signal);
      if (this.count + group.length >= limit) {
        await this.#finish(group);
        return false;
      }
      group.push(digest);
      if (group.length < stride) continue;
      await this.#finish(group);
      group = [];
    }
    await this.#finish(group);
    if (!dryRun) await this.#parts.state.remove(stateNames.scrub);
    return true;
  }

  async #finish(group: readonly Digest[]): Promise<void> {
    const { concurrency = 4, dryRun, signal } = this.#options;
    const limits = { limit: Math.max(1, concurrency), signal };
    await forEachConcurrent(group, (digest) => this.#check(digest), limits);
    const last = group.at(-1);
    if (last && !dryRun) await this.#parts.state.add(stateNames.scrub, last);
  }

  async #check(digest: Digest): Promise<void> {
    const { content } = this.#parts;
    const { dryRun = false, signal, onEvent, onProgress } = this.#options;
    this.bytes += (await content.size(digest)) ?? 0;
    if (!(await content.scrub(digest, { signal, onEvent, dryRun }))) this.damaged.push(digest);
    this.count += 1;
    onProgress?.({ blobs: this.count, bytes: this.bytes, damaged: this.damaged.length });
  }
}
