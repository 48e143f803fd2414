import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { type Digest, throwIfAborted } from '@oci/spec-types';
import { hasCode, onStorage, refuseLinks } from '@oci/files';

import { ensureFormat } from '../format-mark.js';
import { obsoleteDirectories, referenceId, referenceText, stateNames } from '../cache-format.js';
import type { MarkerFiles } from '../state/marker-files.js';
import type { Pins } from '../state/pins.js';
import { Collector, type CollectorParts, type Leased } from './collector.js';
import {
  type KeepReason,
  type RemovalReason,
  type RetentionPolicy,
  checkPolicy,
  defaultGraceMs,
} from './policy.js';
import type { ScannedReference } from './scan.js';
import { type Candidate, expired, leastUsed } from './selection.js';
import { type StaleFiles, removeStaleFiles } from './stale-files.js';
import { type Summary, isWithin, parseSummary, stateOf, summarize } from './summary.js';

export interface PruneParts extends CollectorParts {
  readonly pins: Pins;
  readonly state: MarkerFiles;
}

export interface PruneOptions {
  /** Tells what would go and why, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: number | undefined;
}

/** A reference that went, or would go. */
export interface PrunedReference {
  readonly reference: string;
  readonly digest: Digest;
  readonly reason: RemovalReason;
  /** Milliseconds since the epoch. */
  readonly lastUse: number;
  readonly storedAt: number;
  /** Bytes that nothing else needs. */
  readonly bytes: number;
}

/** A reference that a rule lets go, and that stays all the same. */
export interface KeptReference {
  readonly reference: string;
  readonly digest: Digest;
  readonly reason: KeepReason;
}

export interface PruneReport {
  readonly dryRun: boolean;
  readonly removed: readonly PrunedReference[];
  readonly kept: readonly KeptReference[];
  /** Blobs, and bytes of blobs and materialized files. */
  readonly freed: { readonly blobs: number; readonly bytes: number };
  readonly staleFiles: StaleFiles;
  /** Bytes of blobs and materialized files that stay. */
  readonly remainingBytes: number;
}

/** Content that nothing leads to goes when it came longer ago than this, in milliseconds. */
const orphanMs = 60 * 60_000;

/**
 * Removes what the policy lets go: never what is pinned, what a running pull of any process relies on,
 * or what was used a moment ago.
 *
 * @throws OciError `USAGE`, `ABORTED`, `STORAGE_…`
 */
export async function prune(
  parts: PruneParts,
  policy: RetentionPolicy,
  options: PruneOptions = {},
): Promise<PruneReport> {
  const { dryRun = false, now = Date.now() } = options;
  checkPolicy(policy);
  throwIfAborted(options.signal);
  const { state } = parts;
  const isAs = stateOf(parts.dir);
  const last = parseSummary(await state.read(stateNames.pruned));
  const isIdle = last?.state === isAs && isWithin(last, policy, now);
  const run = isIdle ? idle(last) : await collect(parts, policy, { ...options, dryRun, now });
  const staleFiles = await removeStaleFiles(parts, { now, dryRun });
  const summary = run.summary && JSON.stringify({ ...run.summary, state: isAs });
  if (!dryRun) await state.add(stateNames.pruned, summary);
  return { dryRun, ...run.report, staleFiles };
}

interface Run {
  readonly report: Omit<PruneReport, 'dryRun' | 'staleFiles'>;
  /** Where all stays as it was found. */
  readonly summary: Omit<Summary, 'state'> | undefined;
}

function idle(summary: Summary): Run {
  const freed = { blobs: 0, bytes: 0 };
  return { report: { removed: [], kept: [], freed, remainingBytes: summary.bytes }, summary };
}

async function collect(
  parts: PruneParts,
  policy: RetentionPolicy,
  options: PruneOptions & { readonly dryRun: boolean; readonly now: number },
): Promise<Run> {
  const { dryRun, now, signal } = options;
  if (!dryRun) await removeObsolete(parts.dir, signal);
  const collector = await Collector.of(parts, { dryRun, signal });
  const { references } = collector.scan;
  const { bytes, nextOldest } = collector.doomOrphans(now - orphanMs);
  const summary = summarize({ bytes, nextOrphan: nextOldest + orphanMs }, references);
  const retirement = new Retirement(parts.pins, collector, { policy, now });
  await retirement.run(bytes);
  const { freed } = collector;
  const isAsFound = retirement.kept.length + freed.blobs + freed.bytes === 0;
  await collector.sweep();
  const { removed, kept } = retirement;
  const report = { removed, kept, freed, remainingBytes: bytes - freed.bytes };
  return { report, summary: isAsFound && removed.length === 0 ? summary : undefined };
}

/** Chooses the references that go, by the rules of a policy. */
class Retirement {
  readonly removed: PrunedReference[] = [];
  readonly kept: KeptReference[] = [];
  readonly #pins: Pins;
  readonly #collector: Collector;
  readonly #policy: RetentionPolicy;
  readonly #now: number;
  readonly #seen = new Set<ScannedReference>();

  constructor(
    pins: Pins,
    collector: Collector,
    { policy, now }: { readonly policy: RetentionPolicy; readonly now: number },
  ) {
    this.#pins = pins;
    this.#collector = collector;
    this.#policy = policy;
    this.#now = now;
  }

  /** @param bytes of all that is in the cache */
  async run(bytes: number): Promise<void> {
    const { references } = this.#collector.scan;
    const { maxBytes } = this.#policy;
    await this.#retire(expired(references, this.#policy, this.#now));
    const { freed } = this.#collector;
    const isOver = (): boolean => maxBytes !== undefined && bytes - freed.bytes > maxBytes;
    if (isOver()) await this.#retire(leastUsed(references), isOver);
  }

  async #retire(candidates: readonly Candidate[], isNeeded = (): boolean => true): Promise<void> {
    await this.#collector.retire(
      candidates,
      async (candidate, leased) => isNeeded() && this.#mayGo(candidate, leased),
      ({ reference, reason }, bytes) => {
        const { key, entry, lastUse, storedAt } = reference;
        const { digest } = entry;
        this.removed.push({
          reference: referenceText(key),
          digest,
          reason,
          lastUse,
          storedAt,
          bytes,
        });
      },
    );
  }

  async #mayGo({ reference }: Candidate, leased: Leased): Promise<boolean> {
    if (this.#seen.has(reference)) return false;
    this.#seen.add(reference);
    const reason = await this.#keepReason(reference, leased);
    if (reason === undefined) return true;
    const { key, entry } = reference;
    this.kept.push({ reference: referenceText(key), digest: entry.digest, reason });
    return false;
  }

  async #keepReason(
    { key, entry, lastUse }: ScannedReference,
    leased: Leased,
  ): Promise<KeepReason | undefined> {
    if (await this.#pins.has(referenceId(key))) return 'pinned';
    if (leased.has(entry.digest)) return 'in use';
    const { graceMs = defaultGraceMs } = this.#policy;
    // A use in the future is one before the clock was set back.
    const idle = this.#now - lastUse;
    const isRecent = (idle >= 0 && idle < graceMs) || this.#collector.scan.hasChanged(key);
    return isRecent ? 'used recently' : undefined;
  }
}

/** Removes what a version before this decided by; one that runs beside may still write there, which is left for later. */
async function removeObsolete(dir: string, signal: AbortSignal | undefined): Promise<void> {
  await ensureFormat(dir, signal);
  for (const directory of obsoleteDirectories) {
    const path = join(dir, directory);
    refuseLinks(dir, path);
    await onStorage({ path }, () =>
      rm(path, { recursive: true, force: true }).catch((error: unknown) => {
        if (!hasCode(error, 'ENOTEMPTY')) throw error;
      }),
    );
  }
}
