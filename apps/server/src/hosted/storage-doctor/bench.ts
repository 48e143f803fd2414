import type { StorageService } from '../storage.js';
import type { Finding } from './check.js';
import type { ScratchStore } from './scratch-store.js';

/** What the checks work with: two clients of one storage, as two replicas are. */
export interface Bench {
  readonly one: ScratchStore;
  readonly two: ScratchStore;
  /** What only a bucket has. */
  readonly service: StorageService | undefined;
  readonly signal: AbortSignal;
}

export type Check = (bench: Bench) => Promise<Finding>;

export async function* bodyOf(text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text);
}
