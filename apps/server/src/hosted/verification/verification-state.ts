import type { Finding } from './finding.js';

/**
 * Findings that are kept, and bytes of all of them as JSON; more are counted. The record of the task holds those of two
 * passes and those that are healed, and is damaged for every reader when it is longer than a record may be.
 */
export const mostFindings = 500;
export const mostFindingBytes: number = 1024 * 1024;

/** What a pass over all of the storage has seen so far. */
export interface PassFigures {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Digests whose data was read. */
  readonly objects: number;
  readonly bytes: number;
  /** Records that were read. */
  readonly records: number;
  /** Findings in all, of which the first {@link mostFindings} are kept. */
  readonly damaged: number;
  readonly findings: readonly Finding[];
}

/** A pass that has not reached the end. */
export interface OpenPass extends PassFigures {
  /** The key behind which it goes on. */
  readonly position: string;
}

/** A pass that has reached the end. */
export interface WholePass extends PassFigures {
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  /** Findings of the pass before it that it did not make again. */
  readonly healed: readonly Finding[];
}

/** What the record of the task holds. */
export interface VerificationState {
  readonly pass?: OpenPass;
  readonly last?: WholePass;
}

/** Returns the state as far as it is one: who starts again loses nothing but time. */
export function readVerificationState(state: VerificationState | undefined): VerificationState {
  const { pass, last } = state ?? {};
  return {
    ...(isFigures(pass) && typeof pass.position === 'string' && { pass }),
    ...(isFigures(last) && typeof last.endedAt === 'number' && { last }),
  };
}

function isFigures(figures: PassFigures | undefined): figures is PassFigures {
  if (typeof figures !== 'object' || figures === null) return false;
  const { startedAt, objects, bytes, records, damaged, findings } = figures;
  return (
    [startedAt, objects, bytes, records, damaged].every((count) => Number.isSafeInteger(count)) &&
    Array.isArray(findings)
  );
}
