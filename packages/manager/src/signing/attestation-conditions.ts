import type { Provenance } from './provenance.js';

/** What provenance has to say of an artifact; each is compared whole, never as a pattern. */
export interface AttestationConditions {
  readonly builder?: string | undefined;
  /** URL of the source repository. */
  readonly repository?: string | undefined;
  /** As `refs/heads/main`. */
  readonly ref?: string | undefined;
  readonly workflow?: string | undefined;
  /** Days since the build ended, at most. */
  readonly maxAgeDays?: number | undefined;
}

const dayMs = 24 * 60 * 60_000;
/** A builder's clock may be ahead of ours by so much, in milliseconds. */
const aheadMs = 5 * 60_000;

/** @throws Error that says which condition does not hold */
export function ensureConditions(
  conditions: AttestationConditions,
  provenance: Provenance | undefined,
  now: number = Date.now(),
): void {
  const { maxAgeDays, ...wanted } = conditions;
  const named = Object.entries(wanted).filter(([, value]) => value !== undefined);
  if (named.length === 0 && maxAgeDays === undefined) return;
  if (!provenance) throw new Error('it is no provenance, which the conditions are about');
  for (const [name, value] of named) {
    const found = provenance[name as keyof typeof wanted];
    if (found !== value)
      throw new Error(`its ${name} is ${found ?? 'not named'}, and has to be ${value}`);
  }
  if (maxAgeDays !== undefined) ensureAge(provenance.builtAt, maxAgeDays, now);
}

function ensureAge(builtAt: string | undefined, maxAgeDays: number, now: number): void {
  const ageMs = now - Date.parse(builtAt ?? '');
  if (Number.isNaN(ageMs)) throw new Error('it does not say when it was built');
  if (ageMs < -aheadMs) throw new Error(`it was built in the future, at ${builtAt}`);
  if (ageMs > maxAgeDays * dayMs)
    throw new Error(`it was built at ${builtAt}, more than ${maxAgeDays} days ago`);
}
