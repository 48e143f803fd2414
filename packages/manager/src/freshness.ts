import { type OciError, isAbort, isExactVersion, isOciError } from '@oci/spec-types';

/** How a cached tag is treated. */
export interface FreshnessPolicy {
  /** Never ask a registry. */
  readonly offline: boolean;
  /** Always ask the registry. */
  readonly refresh: boolean;
  /** How long a moving tag is believed, in milliseconds. Default 5 minutes. */
  readonly movingTagTtlMs: number;
  /**
   * For how long after its last answer a moving tag may be used when the registry does not answer, in
   * milliseconds. Default 7 days; 0 for never. `refresh` wants an answer, whatever this says.
   */
  readonly staleIfErrorMs: number;
}

export const defaultFreshness: FreshnessPolicy = {
  offline: false,
  refresh: false,
  movingTagTtlMs: 5 * 60_000,
  staleIfErrorMs: 7 * 24 * 60 * 60_000,
};

/** Whether what was resolved at `resolvedAt` (milliseconds since the epoch) still stands. */
export function isFresh(
  policy: FreshnessPolicy,
  entry: { readonly tag: string; readonly resolvedAt: number },
  now: number = Date.now(),
): boolean {
  if (policy.offline) return true;
  if (policy.refresh) return false;
  const age = now - entry.resolvedAt;
  // A clock that went backwards makes an entry of the future: it is asked for again.
  return isExactVersion(entry.tag) || (age >= 0 && age < policy.movingTagTtlMs);
}

/** The registry did not say anything about the tag: RFC 5861, section 4. */
const noAnswer = ['NETWORK', 'TIMEOUT', 'REGISTRY_UNAVAILABLE', 'RATE_LIMITED'] as const;

/** Whether what was resolved at `resolvedAt` may be used because the registry failed to answer. */
export function mayServeStale(
  policy: FreshnessPolicy,
  resolvedAt: number,
  error: unknown,
): error is OciError {
  if (policy.refresh || isAbort(error) || !isOciError(error, ...noAnswer)) return false;
  return Math.abs(Date.now() - resolvedAt) <= policy.staleIfErrorMs;
}
