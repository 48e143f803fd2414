import type { TakeWorker } from './file-place.js';

/** The workers that one client may take; those of the process are loaded when they are first wanted. */
interface LazyWorkers {
  /** @returns undefined where there are none */
  readonly open: () => Promise<TakeWorker | undefined>;
  readonly close: () => Promise<void>;
}

/** @param most threads of the process, 0 for none */
export function lazyWorkers(most: number): LazyWorkers {
  let leave: (() => Promise<void>) | undefined;
  return {
    open: async () => {
      if (most < 1) return undefined;
      const { takeWorker, useWorkers } = await import('./download-workers.js');
      leave ??= useWorkers();
      return () => takeWorker(most);
    },
    close: async () => leave?.(),
  };
}
