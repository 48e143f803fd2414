import type { Inventory } from '../inventory.js';
import {
  type ReferenceId,
  packageId,
  parseReferenceText,
  referenceId,
  referenceText,
} from '../layout.js';
import type { StoredReference } from '../reference-store.js';
import { type AgeQueue, hourOf } from '../state/age-queue.js';
import type { RemovalReason, RetentionPolicy } from './policy.js';

/** A reference that a rule lets go. */
export interface Candidate {
  readonly reference: StoredReference;
  /** Milliseconds since the epoch. */
  readonly lastUse: number;
  readonly reason: RemovalReason;
}

const dayMs = 24 * 60 * 60_000;
/** The name under which the limit of the last count stands beside the repositories that grew since. */
const countedName = 'counted';

/** Finds what the rules let go by looking at the oldest, and at what grew, only. */
export class Plan {
  readonly #inventory: Inventory;
  readonly #policy: RetentionPolicy;
  readonly #now: number;
  readonly #dryRun: boolean;

  constructor(
    inventory: Inventory,
    policy: RetentionPolicy,
    { now, dryRun }: { readonly now: number; readonly dryRun: boolean },
  ) {
    this.#inventory = inventory;
    this.#policy = policy;
    this.#now = now;
    this.#dryRun = dryRun;
  }

  /** Candidates of age, of disuse and of too many versions; each reference once. */
  async *expired(): AsyncGenerator<Candidate, void, undefined> {
    const seen = new Set<ReferenceId>();
    for await (const candidate of this.#all()) {
      const id = referenceId(candidate.reference.key);
      if (seen.has(id)) continue;
      seen.add(id);
      yield candidate;
    }
  }

  /** References by their last use, those that were not used for longest first. */
  async *leastUsed(): AsyncGenerator<Candidate, void, undefined> {
    for await (const found of this.#queued(this.#inventory.uses, Number.MAX_SAFE_INTEGER))
      yield { ...found, reason: 'size' };
  }

  async *#all(): AsyncGenerator<Candidate, void, undefined> {
    const { maxAgeDays, maxUnusedDays, maxVersionsPerPackage } = this.#policy;
    if (maxAgeDays !== undefined) {
      const until = this.#now - maxAgeDays * dayMs;
      for await (const found of this.#queued(this.#inventory.ages, until))
        if (found.reference.storedAt <= until) yield { ...found, reason: 'age' };
    }
    if (maxUnusedDays !== undefined) {
      const until = this.#now - maxUnusedDays * dayMs;
      for await (const found of this.#queued(this.#inventory.uses, until))
        if (found.lastUse <= until) yield { ...found, reason: 'unused' };
    }
    if (maxVersionsPerPackage !== undefined) yield* this.#superfluous(maxVersionsPerPackage);
  }

  /** What stands in a queue; what is outdated there is struck. */
  async *#queued(
    queue: AgeQueue,
    until: number,
  ): AsyncGenerator<{ reference: StoredReference; lastUse: number }, void, undefined> {
    const { references, uses } = this.#inventory;
    for await (const { hour, id, text } of queue.oldest(until)) {
      const key = parseReferenceText(text);
      const reference = key && (await references.find(key));
      const lastUse = key && (await this.#inventory.lastUse(key));
      if (!reference || lastUse === undefined) {
        await queue.remove(id, hour);
        continue;
      }
      const current = hourOf(queue === uses ? lastUse : reference.storedAt);
      if (current === hour) {
        yield { reference, lastUse };
      } else {
        await queue.add(id, queue === uses ? lastUse : reference.storedAt, text);
        await queue.remove(id, hour);
      }
    }
  }

  /** Those that were used least lately of each repository that grew, or of all when the limit is a new one. */
  async *#superfluous(limit: number): AsyncGenerator<Candidate, void, undefined> {
    const { grown } = this.#inventory;
    const counted = Number((await grown.read(countedName)) ?? Number.NaN);
    if (!(counted <= limit)) await this.#noteAllGrown();
    for (const name of await grown.names()) {
      const key =
        name === countedName ? undefined : parseReferenceText((await grown.read(name)) ?? '');
      if (!key) continue;
      // Before it is looked at: what comes meanwhile notes it again.
      if (!this.#dryRun) await grown.remove(name);
      const found: Candidate[] = [];
      for await (const reference of this.#inventory.references.list(key)) {
        const lastUse = (await this.#inventory.lastUse(reference.key)) ?? 0;
        found.push({ reference, lastUse, reason: 'versions' });
      }
      yield* found.sort((a, b) => b.lastUse - a.lastUse).slice(limit);
    }
    // What was counted under a lower limit has no more under a higher one.
    if (!this.#dryRun) await grown.add(countedName, String(limit));
  }

  async #noteAllGrown(): Promise<void> {
    const { grown, references } = this.#inventory;
    const noted = new Set<string>();
    for await (const { key } of references.list()) {
      const id = packageId(key);
      if (!noted.has(id)) await grown.add(id, referenceText(key));
      noted.add(id);
    }
  }
}
