import { seconds } from './table.mjs';

/**
 * Whether ours is so many times as fast as the best of the peers.
 *
 * @param {ReturnType<typeof import('./compare.mjs').timesAsFast>} comparison
 * @param {{ target: string, times: number }} wanted
 * @returns {import('./bench.mjs').Verdict}
 */
export function fasterThan(comparison, { target, times }) {
  if (!comparison) return { target, ours: '', best: 'none installed', ratio: '', isMet: undefined };
  const { ours, best, ratio } = comparison;
  return {
    target,
    ours: `${seconds(ours.wallMs?.median ?? 0)} s`,
    best: `${seconds(best.wallMs?.median ?? 0)} s (${best.name})`,
    ratio: ratio.toFixed(2),
    isMet: ratio >= times,
  };
}

export function missingRegistry() {
  return new Error('docker-registry is not installed: apt-get install docker-registry');
}
