import type { Digest, TransferEvent } from '@oci/spec-types';

/** What happens during a copy; `cached` tells of a blob that the target has. */
export type CopyEvent =
  | TransferEvent
  /** All that belongs to it is known; nothing was written yet. */
  | {
      readonly type: 'plan';
      readonly manifests: number;
      readonly blobs: number;
      readonly bytes: number;
    }
  /** The target's registry took it from the source's repository. */
  | { readonly type: 'mount'; readonly digest: Digest; readonly size: number };
