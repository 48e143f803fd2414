import { OciError, type PushBlobOptions, parseRepositoryName } from '@oci/spec-types';

import type { UploadSession } from './upload-session.js';

/** How a blob is pushed. */
export interface UploadOptions extends PushBlobOptions {
  /**
   * Sends a larger blob in requests of this many bytes, from 1; of as many as the registry asks for, if
   * that is more. Default: one request, unless the registry asks for chunks, then 16 MiB.
   */
  readonly chunkBytes?: number | undefined;
  /** Takes the blob from another repository of the registry, or from `true`: any, if it can be had there. */
  readonly mount?: string | true | undefined;
  /** Goes on with an upload that another process began. */
  readonly uploadSession?: UploadSession | undefined;
  /**
   * Hears where the upload is, each time that it moved. Who listens keeps sessions: one that ended by a
   * failure which may pass stays open at the registry; all others are cancelled.
   */
  readonly onUploadSession?: ((session: UploadSession) => void) | undefined;
}

/** @throws OciError `USAGE`, `REFERENCE_INVALID` */
export function checkUploadOptions({ chunkBytes, mount }: UploadOptions): void {
  if (mount !== undefined && mount !== true) parseRepositoryName(mount);
  if (chunkBytes !== undefined && !(Number.isSafeInteger(chunkBytes) && chunkBytes >= 1)) {
    throw new OciError('USAGE', `a chunk can't have ${chunkBytes} bytes`, {
      hint: 'Leave chunkBytes out to send the blob in one request.',
    });
  }
}
