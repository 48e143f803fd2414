import { LRUCache } from 'lru-cache';

import type { LimitedNamespace } from './quota.js';
import type { QuotaState } from './quota-failure.js';

/** What an operator wants to hear of a quota: a push was refused, or most of it is used. */
export interface QuotaNotice extends QuotaState {
  readonly what: 'exceeded' | 'nearly-full';
}

export type QuotaListener = (notice: QuotaNotice) => void;

/** The part of a quota from which on it is nearly full. */
const nearlyFull = 0.8;
/** How often one notice of a namespace is given at most, in milliseconds. */
const everyMs = 60 * 60_000;

/** Tells of quotas, of each namespace at most once an hour. */
export class QuotaNotices {
  readonly #listener: QuotaListener;
  /** When each was told, of `performance.now()`. */
  readonly #told = new LRUCache<string, number>({ max: 10_000 });

  constructor(listener: QuotaListener = () => {}) {
    this.#listener = listener;
  }

  grown(namespace: LimitedNamespace, before: number, used: number): void {
    const { name, repository, maxBytes: limit } = namespace;
    const mark = limit * nearlyFull;
    if (before < mark && used >= mark)
      this.#tell({ what: 'nearly-full', namespace: name, repository, used, limit });
  }

  refused(state: QuotaState): void {
    this.#tell({ what: 'exceeded', ...state });
  }

  #tell(notice: QuotaNotice): void {
    const key = `${notice.what} ${notice.namespace}`;
    const now = performance.now();
    if (now - (this.#told.get(key) ?? -Infinity) < everyMs) return;
    this.#told.set(key, now);
    this.#listener(notice);
  }
}
