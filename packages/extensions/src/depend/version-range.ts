import { compareVersions } from '@oci/manager';
import semver from 'semver';

/**
 * The newest of some versions within a range. A version that is there exactly as the range is written goes
 * first; without a range it is the newest, prereleases only when there is nothing else. Tags that are no
 * semantic versions, as `latest`, are never chosen by a range.
 */
export function selectVersion(
  versions: readonly string[],
  ...ranges: readonly (string | undefined)[]
): string | undefined {
  return rankVersions(versions, ranges)[0];
}

/** The versions within all ranges, the one to choose first: the newest, prereleases behind the others. */
export function rankVersions(
  versions: readonly string[],
  ranges: readonly (string | undefined)[],
): readonly string[] {
  const fitting = versions.filter((version) => ranges.every((range) => isWithin(version, range)));
  const isStable = (version: string): boolean =>
    (semver.prerelease(version, loose) ?? []).length === 0;
  return fitting.sort((a, b) => Number(isStable(b)) - Number(isStable(a)) || inOrder(b, a));
}

/** Of two spellings of one version, as `1.5.1` beside the image `v1.5.1`, the one without a `v` is newer. */
function inOrder(a: string, b: string): number {
  return compareVersions(a, b) || Number(b.startsWith('v')) - Number(a.startsWith('v'));
}

const loose = { loose: true } as const;
/** Characters of a range: each of its alternatives and comparators is matched with each version. */
const maxRangeLength = 256;

/** Whether a version satisfies a range (`^1.2`, `~1.2.3`, `>=1 <3`, `1.2`, `1.2.3`); no range takes any version. */
export function isWithin(version: string, range: string | undefined): boolean {
  if (version === range) return true;
  const parsed = semver.parse(version, loose);
  if (!parsed) return false;
  if (range === undefined) return true;
  return isVersionRange(range) && semver.satisfies(parsed, range, loose);
}

/** The version that a range pins, when it is one and no more; what is no range, as `latest`, is a version too. */
export function exactVersion(range: string | undefined): string | undefined {
  if (range === undefined) return undefined;
  return semver.parse(range, loose) || !isVersionRange(range) ? range : undefined;
}

/** Whether a text is a version or a range of versions; `latest` is neither, nor is what is longer than any of them. */
export function isVersionRange(text: string): boolean {
  return text.length <= maxRangeLength && semver.validRange(text, loose) !== null;
}
