import type { CallOptions, Descriptor, Digest } from '@oci/spec-types';

import type { LayoutIndex } from './layout-index.js';

/** Where a layout keeps its bytes: a directory, a tar, memory. It checks none of them. */
export interface LayoutStorage {
  /** For messages: a path. */
  readonly name: string;
  /** Bytes of a blob; undefined when it is absent. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** Tells whether a blob was touched since it told before; missing where nobody else can touch any. */
  snapshot?(digest: Digest): Promise<string | undefined>;
  /** Opened when the iteration begins, so that what nobody reads holds nothing open. */
  read(digest: Digest, options: CallOptions): AsyncIterable<Uint8Array>;
  /** Keeps the whole body under the descriptor's digest or, when it fails, nothing. */
  write(descriptor: Descriptor, body: AsyncIterable<Uint8Array>): Promise<void>;
  /** Missing where what was stored stays. */
  remove?(digest: Digest): Promise<void>;
  readIndex(): Promise<LayoutIndex>;
  /** Changes the index on what it is then; nobody else changes it meanwhile. */
  updateIndex(change: (index: LayoutIndex) => LayoutIndex): Promise<void>;
}
