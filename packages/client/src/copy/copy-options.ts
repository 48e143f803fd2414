import type {
  CallOptions,
  Descriptor,
  EventListener,
  Platform,
  ReadableRepository,
  Tag,
} from '@oci/spec-types';

import type { WritableRepository } from './ability.js';
import type { CopyEvent } from './copy-event.js';
import type { GraphLimits } from './graph.js';

export interface CopySource {
  readonly repository: ReadableRepository;
  /** The tag or digest of what is copied, with all that it leads to. */
  readonly reference: string;
}

export interface CopyTarget {
  readonly repository: WritableRepository;
  /** What it is called there; default: as at the source, and nothing when it was named by its digest. */
  readonly tags?: readonly string[] | undefined;
}

export interface CopyOptions extends CallOptions {
  /** The manifest of an index for this platform alone, in place of the index; also as text, `linux/arm64`. */
  readonly platform?: Platform | string | undefined;
  /** The index as it is, but of its manifests only those for these; not every registry takes that. */
  readonly platforms?: readonly (Platform | string)[] | undefined;
  /**
   * True to bring signatures, SBOMs and whatever else refers to a manifest, and to those; false to be
   * warned when there are any; `ignore` not to look. Default false.
   */
  readonly referrers?: boolean | 'ignore' | undefined;
  /** Layers of the types that may not be distributed; default `leave`. Nothing is fetched from `urls`. */
  readonly foreignLayers?: 'copy' | 'leave' | undefined;
  /** Blobs, or manifests, at once; 1 to 64. Default 16. */
  readonly concurrency?: number | undefined;
  /** How many times a blob is begun when it fails in a way that may pass, from 1. Default 3. */
  readonly attempts?: number | undefined;
  /**
   * Reads each blob that a layout or memory has before it is skipped, and brings what is damaged anew. Default
   * false: its size decides. A registry is believed.
   */
  readonly verify?: boolean | undefined;
  readonly limits?: Partial<GraphLimits> | undefined;
  readonly onEvent?: EventListener<CopyEvent> | undefined;
}

/** How many, and their bytes. */
export interface CopyTally {
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface CopyResult {
  /** What is at the target now. */
  readonly descriptor: Descriptor;
  readonly tags: readonly Tag[];
  readonly copied: CopyTally;
  /** What the target had. */
  readonly skipped: CopyTally;
  /** What the target's registry took from the source's repository. */
  readonly mounted: CopyTally;
  /** How many referrers came along, those of referrers included. */
  readonly referrers: number;
  readonly left: LeftBehind;
}

/** What the target does not get, though the source may have it. */
export interface LeftBehind {
  /** Of the artifact itself; found out when they are neither wanted nor to be ignored. */
  readonly referrers: number;
  /** Manifests of other platforms. */
  readonly platforms: number;
  /** Layers that may not be distributed. */
  readonly foreignLayers: number;
}
