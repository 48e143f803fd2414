import { type Digest, isDigest, throwIfAborted } from '@oci/spec-types';

import type { LayoutIndex } from '../layout-index.js';
import { packageId, referenceId, referenceText } from '../layout.js';
import type { Leases } from '../state/leases.js';
import type { RemovalGate } from '../state/removal-gate.js';
import { type Leftovers, removeLeftovers } from './leftovers.js';
import { type Candidate, Plan } from './plan.js';
import {
  type KeepReason,
  type RemovalReason,
  type RetentionPolicy,
  checkPolicy,
  defaultGraceMs,
} from './policy.js';
import { type Freed, Removal, type RemovalParts } from './removal.js';

export interface PruneParts extends RemovalParts {
  readonly index: LayoutIndex;
  readonly leases: Leases;
  readonly gate: RemovalGate;
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
  /** Blobs, and bytes of blobs and views. */
  readonly freed: Readonly<Freed>;
  readonly leftovers: Leftovers;
  /** Bytes of blobs and views that stay. */
  readonly remainingBytes: number;
}

/** References that are removed in one closing of the gate: some tenths of a second. */
const batchSize = 250;
/** Content that nothing holds goes after this time, in milliseconds. */
const unheldMs = 60 * 60_000;

/**
 * Removes what the policy lets go: never what is pinned, what a running pull of any process relies on,
 * or what was used a moment ago. Its cost grows with what is removed, but for `index.json`, which is one
 * file.
 *
 * @throws OciError `USAGE`, `ABORTED`, `STORAGE_…`
 */
export async function prune(
  parts: PruneParts,
  policy: RetentionPolicy,
  options: PruneOptions = {},
): Promise<PruneReport> {
  return new Pruning(parts, checkPolicy(policy), options).run();
}

class Pruning {
  readonly #parts: PruneParts;
  readonly #policy: RetentionPolicy;
  readonly #now: number;
  readonly #dryRun: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #removed: PrunedReference[] = [];
  readonly #kept: KeptReference[] = [];
  readonly #seen = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #freed: Freed = { blobs: 0, bytes: 0 };

  constructor(parts: PruneParts, policy: RetentionPolicy, options: PruneOptions) {
    this.#parts = parts;
    this.#policy = policy;
    this.#now = options.now ?? Date.now();
    this.#dryRun = options.dryRun ?? false;
    this.#signal = options.signal;
  }

  async run(): Promise<PruneReport> {
    const { inventory } = this.#parts;
    const plan = new Plan(inventory, this.#policy, { now: this.#now, dryRun: this.#dryRun });
    for await (const batch of batches(plan.expired(), batchSize)) await this.#remove(batch);
    await this.#removeUnheld();
    const { maxBytes } = this.#policy;
    const before = await inventory.usage.total();
    // What a dry run lets go is still counted.
    let bytes = before.bytes - (this.#dryRun ? this.#freed.bytes : 0);
    if (maxBytes !== undefined && bytes > maxBytes) {
      for await (const batch of batches(plan.leastUsed(), batchSize)) {
        const freed = this.#freed.bytes;
        await this.#remove(batch, bytes - maxBytes);
        bytes -= this.#freed.bytes - freed;
        if (bytes <= maxBytes) break;
      }
    }
    const leftovers = await removeLeftovers(this.#parts, { now: this.#now, dryRun: this.#dryRun });
    if (!this.#dryRun) await this.#parts.gate.close(() => inventory.usage.compact(), this.#signal);
    return {
      dryRun: this.#dryRun,
      removed: this.#removed,
      kept: this.#kept,
      freed: this.#freed,
      leftovers,
      remainingBytes: Math.max(0, bytes),
    };
  }

  /** @param enough bytes to free; all candidates go when it is missing */
  async #remove(candidates: readonly Candidate[], enough = Infinity): Promise<void> {
    throwIfAborted(this.#signal);
    await this.#closed(async () => {
      const leased = await this.#parts.leases.held();
      const going: Candidate[] = [];
      // Seen beforehand, because the index has to forget them before their content goes.
      const trial = this.#removal(leased, true, new Set(this.#gone));
      for (const candidate of candidates) {
        if (trial.freed.bytes >= enough) break;
        if (!(await this.#mayGo(candidate, trial))) continue;
        const before = trial.freed.bytes;
        await trial.reference(candidate.reference);
        going.push(candidate);
        this.#removed.push(prunedOf(candidate, trial.freed.bytes - before));
      }
      const removal = this.#removal(leased, this.#dryRun, this.#gone);
      if (!this.#dryRun)
        await this.#parts.index.remove(going.map(({ reference }) => reference.key));
      for (const { reference } of going) await removal.reference(reference);
      this.#add(removal.freed);
    });
  }

  #removal(leased: ReadonlySet<Digest>, dryRun: boolean, gone: Set<string>): Removal {
    return new Removal(this.#parts, { leased, dryRun, gone });
  }

  async #mayGo({ reference, lastUse, reason }: Candidate, removal: Removal): Promise<boolean> {
    const { inventory } = this.#parts;
    const id = referenceId(reference.key);
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    const { graceMs = defaultGraceMs } = this.#policy;
    // It may have been used since it was found; a use in the future is one before the clock was set back.
    const idle = this.#now - ((await inventory.lastUse(reference.key)) ?? lastUse);
    const kept: KeepReason | undefined = (await inventory.pins.has(id))
      ? 'pinned'
      : removal.isLeased(reference.entry.digest)
        ? 'in use'
        : idle >= 0 && idle < graceMs
          ? 'used recently'
          : undefined;
    if (!kept) return true;
    const text = referenceText(reference.key);
    this.#kept.push({ reference: text, digest: reference.entry.digest, reason: kept });
    if (reason === 'versions' && !this.#dryRun)
      await inventory.grown.add(packageId(reference.key), text);
    return false;
  }

  async #removeUnheld(): Promise<void> {
    const { unheld } = this.#parts.inventory;
    for await (const batch of batches(unheld.oldest(this.#now - unheldMs), batchSize)) {
      throwIfAborted(this.#signal);
      await this.#closed(async () => {
        const leased = await this.#parts.leases.held();
        const removal = this.#removal(leased, this.#dryRun, this.#gone);
        for (const { id, hour, text } of batch) {
          if (isDigest(text)) await removal.unheld(text);
          const stays = isDigest(text) && leased.has(text);
          if (!this.#dryRun && !stays) await unheld.remove(id, hour);
        }
        this.#add(removal.freed);
      });
    }
  }

  #add({ blobs, bytes }: Freed): void {
    this.#freed.blobs += blobs;
    this.#freed.bytes += bytes;
  }

  /** A dry run lets everybody go on. */
  #closed(work: () => Promise<void>): Promise<void> {
    return this.#dryRun ? work() : this.#parts.gate.close(work, this.#signal);
  }
}

function prunedOf({ reference, lastUse, reason }: Candidate, bytes: number): PrunedReference {
  const { key, entry, storedAt } = reference;
  return {
    reference: referenceText(key),
    digest: entry.digest,
    reason,
    lastUse,
    storedAt,
    bytes,
  };
}

async function* batches<T>(
  items: AsyncIterable<T>,
  size: number,
): AsyncGenerator<readonly T[], void, undefined> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
