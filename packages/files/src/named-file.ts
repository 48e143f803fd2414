import { createReadStream } from 'node:fs';

import { readBytes } from '@oci/spec-types/node';

/** Bytes of a file that a user or a configuration names, to be read whole: settings, keys, certificates. */
const maxNamedFileBytes = 16 * 1024 * 1024;

/**
 * Reads a file that somebody names. It may be a pipe, and a device that does not end does not fill the memory.
 *
 * @throws OciError `LIMIT_EXCEEDED` beyond 16 MiB, and the errors of the file system
 */
export function readNamedFile(path: string): Promise<Buffer> {
  // One byte more than allowed tells that there is more.
  const body = createReadStream(path, { end: maxNamedFileBytes });
  return readBytes(body, { limit: maxNamedFileBytes, what: path });
}
