import type { CallOptions } from './contracts.js';
import type { Descriptor } from './descriptor.js';

/**
 * A file whose bytes, from first to last, were hashed and matched their descriptor. Made only by who
 * hashed them.
 */
export interface VerifiedFile {
  readonly descriptor: Descriptor;
  /** Absolute. */
  readonly path: string;
  readonly __brand: 'VerifiedFile';
}

/** A source that writes a blob to a file faster, or with less lost when it is interrupted, than a stream. */
export interface BlobDownloader {
  /**
   * Downloads a blob to `path`, going on from what an earlier call for the same blob left behind. Nothing is
   * at `path` before it is whole and verified; what came so far is beside it, in files whose names begin with
   * `path` and a dot. One path is for one download at a time.
   *
   * @throws OciError `BLOB_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`; what was downloaded stays for the
   * next call unless it was wrong
   */
  downloadBlob(descriptor: Descriptor, path: string, options?: CallOptions): Promise<VerifiedFile>;
}
