import type { TakeWorker } from './file-place.js';

/** The workers that one client may take; those of the process are loaded when they are first wanted. */
interface LazyWorkers {
  /** @param most threads of the process that one file is worth @returns undefined where there are none */
  readonly open: (most: number) => Promise<TakeWorker | undefined>;
  /** Begins to look at them. @returns the largest share of its time, 0 to 1, for which one was busy since */
  readonly watch: () => () => number;
  readonly close: () => Promise<void>;
}

/** @param limit threads of the process, 0 for none */
export function lazyWorkers(limit: number): LazyWorkers {
  let leave: (() => Promise<void>) | undefined;
  let watch: (() => () => number) | undefined;
  return {
    open: async (wanted) => {
      const most = Math.min(limit, wanted);
      if (most < 1) return undefined;
      const { takeWorker, useWorkers, watchWorkers } = await import('./download-workers.js');
      watch = watchWorkers;
      leave ??= useWorkers();
      return () => takeWorker(most);
    },
    watch: () => watch?.() ?? (() => 0),
    close: async () => leave?.(),
  };
}
