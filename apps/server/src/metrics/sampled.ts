/**
 * Returns a function that gives the last result for some time: for a figure that takes long to find.
 *
 * @param forMs milliseconds since it was asked for
 */
export function sampled<T>(forMs: number, find: () => Promise<T>): () => Promise<T> {
  let sample: Promise<T> | undefined;
  let askedAt = 0;
  return async () => {
    if (!sample || performance.now() - askedAt >= forMs) {
      askedAt = performance.now();
      sample = find();
      // A failure is no figure.
      sample.catch(() => (sample = undefined));
    }
    return sample;
  };
}
