import type { RemovalReason, RetentionPolicy } from './policy.js';
import type { ScannedReference } from './scan.js';

/** A reference that a rule lets go. */
export interface Candidate {
  readonly reference: ScannedReference;
  readonly reason: RemovalReason;
}

export const dayMs: number = 24 * 60 * 60_000;

/** Returns candidates of age, of disuse and of too many versions, in this order; each reference once. */
export function expired(
  references: readonly ScannedReference[],
  { maxAgeDays, maxUnusedDays, maxVersionsPerPackage }: RetentionPolicy,
  now: number,
): readonly Candidate[] {
  const reasons = new Map<ScannedReference, RemovalReason>();
  const note = (reason: RemovalReason, found: readonly ScannedReference[]): void => {
    for (const reference of found) if (!reasons.has(reference)) reasons.set(reference, reason);
  };
  if (maxAgeDays !== undefined)
    note(
      'age',
      oldest(references, ({ storedAt }) => storedAt, now - maxAgeDays * dayMs),
    );
  if (maxUnusedDays !== undefined)
    note('unused', oldest(references, lastUse, now - maxUnusedDays * dayMs));
  if (maxVersionsPerPackage !== undefined)
    for (const versions of byPackage(references))
      note('versions', versions.sort((a, b) => b.lastUse - a.lastUse).slice(maxVersionsPerPackage));
  return Array.from(reasons, ([reference, reason]) => ({ reference, reason }));
}

/** Returns all references, those that were not used for longest first. */
export function leastUsed(references: readonly ScannedReference[]): readonly Candidate[] {
  return oldest(references, lastUse, Infinity).map((reference) => ({ reference, reason: 'size' }));
}

function lastUse(reference: ScannedReference): number {
  return reference.lastUse;
}

function oldest(
  references: readonly ScannedReference[],
  time: (reference: ScannedReference) => number,
  until: number,
): readonly ScannedReference[] {
  return references.filter((one) => time(one) <= until).sort((a, b) => time(a) - time(b));
}

/** Returns the references of each repository. */
export function byPackage(references: readonly ScannedReference[]): Iterable<ScannedReference[]> {
  const packages = new Map<string, ScannedReference[]>();
  for (const reference of references) {
    const id = `${reference.key.registry}/${reference.key.repository}`;
    const versions = packages.get(id) ?? [];
    packages.set(id, versions);
    versions.push(reference);
  }
  return packages.values();
}
