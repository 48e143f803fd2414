import leven from 'leven';

/** The candidates most like a word, nearest first; those that share little with it are left out. */
export function nearest(word: string, candidates: Iterable<string>, count = 3): string[] {
  const limit = Math.max(2, Math.ceil(word.length / 2));
  return [...candidates]
    .map((candidate) => ({
      candidate,
      distance: leven(word, candidate, { maxDistance: limit + 1 }),
    }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}
