import semver from 'semver';

/** Semantic versions in their order, oldest first; other tags behind them, by their text. */
export function compareVersions(a: string, b: string): number {
  const left = semver.parse(a, { loose: true });
  const right = semver.parse(b, { loose: true });
  if (left && right) return left.compare(right) || left.compareBuild(right);
  if (left || right) return left ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
