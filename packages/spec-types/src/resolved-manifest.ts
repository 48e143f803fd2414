import type { Descriptor } from './descriptor.js';
import type { Manifest } from './manifest.js';

/**
 * A manifest whose bytes matched their descriptor before they were parsed. Made only by
 * `verifyManifest` and `describeManifest` of `@oci/spec-types/node`.
 */
export type ResolvedManifest = Manifest & {
  readonly descriptor: Descriptor;
  /** As they came; what is stored or pushed. */
  readonly bytes: Uint8Array;
  readonly __brand: 'ResolvedManifest';
};
