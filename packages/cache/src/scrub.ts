import { type Digest, type EventListener, isDigest, throwIfAborted } from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { ContentStore } from './content-store.js';
import type { Markers } from './state/markers.js';
import { type ViewCheckParts, checkViews } from './view-check.js';

export interface ScrubOptions {
  /** Blobs that are hashed at once. Default 4. */
  readonly concurrency?: number | undefined;
  /** Blobs to look at; the next run goes on behind them. Default all. */
  readonly limit?: number | undefined;
  /** Begins with the first blob, wherever an earlier run ended. */
  readonly restart?: boolean | undefined;
  /** Sets nothing aside, and notes nothing. */
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
  /** Set aside, and fetched again when they are needed. */
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
const noteName = 'scrub';

/**
 * Hashes every blob, whatever is recorded about it, in the order of digests. A run that was interrupted,
 * or that reached its limit, is gone on with.
 *
 * @throws OciError `ABORTED`; what was done stays done
 */
export async function scrub(
  parts: ViewCheckParts & { readonly content: ContentStore; readonly notes: Markers },
  options: ScrubOptions = {},
): Promise<ScrubReport> {
  const { content, notes } = parts;
  const { concurrency = 4, limit = Infinity, dryRun = false } = options;
  const { signal, onEvent, onProgress } = options;
  const noted = options.restart || dryRun ? undefined : await notes.read(noteName);
  const resumedAfter = noted !== undefined && isDigest(noted) ? noted : undefined;
  let [blobs, bytes, finished] = [0, 0, true];
  const damaged: Digest[] = [];
  const check = async (digest: Digest): Promise<void> => {
    bytes += (await content.size(digest)) ?? 0;
    if (!(await content.scrub(digest, { signal, onEvent, dryRun }))) damaged.push(digest);
    blobs += 1;
    onProgress?.({ blobs, bytes, damaged: damaged.length });
  };
  let group: Digest[] = [];
  const finish = async (): Promise<void> => {
    await forEachConcurrent(group, check, { limit: Math.max(1, concurrency), signal });
    const last = group.at(-1);
    if (last && !dryRun) await notes.add(noteName, last);
    group = [];
  };
  for await (const digest of content.list(resumedAfter)) {
    throwIfAborted(signal);
    if (blobs + group.length >= limit) {
      finished = false;
      break;
    }
    group.push(digest);
    if (group.length === stride) await finish();
  }
  await finish();
  if (finished && !dryRun) await notes.remove(noteName);
  const views = finished
    ? await checkViews(parts, { dryRun, signal })
    : { files: 0, bytes: 0, damaged: [] };
  return {
    blobs,
    bytes: bytes + views.bytes,
    damaged,
    files: views.files,
    damagedFiles: views.damaged,
    finished,
    ...(resumedAfter !== undefined && { resumedAfter }),
  };
}
