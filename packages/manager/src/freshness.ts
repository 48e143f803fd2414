/** How a cached tag is treated. */
export interface FreshnessPolicy {
  /** Never ask a registry. */
  readonly offline: boolean;
  /** Always ask the registry. */
  readonly refresh: boolean;
  /** How long a moving tag is believed, in milliseconds. Default 5 minutes. */
  readonly movingTagTtlMs: number;
}

export const defaultFreshness: FreshnessPolicy = {
  offline: false,
  refresh: false,
  movingTagTtlMs: 5 * 60_000,
};

const exactVersion = /^v?\d+\.\d+\.\d+(?:[-_+][0-9A-Za-z._-]*)?$/;

/** Whether a tag is a full version, which publishers don't move; `latest`, `1` and `1.2` do move. */
export function isExactVersion(tag: string): boolean {
  return exactVersion.test(tag);
}

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
