import { createReadStream } from 'node:fs';

import { OciError } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

/** Bytes of a file that is parsed whole: a `kcl.mod`, a lock file, the declaration of an extension. */
export const maxDocumentBytes: number = 256 * 1024;

/** Entries of one table: dependencies of a package, or ranges that an extension declares. */
const maxDocumentEntries = 256;

/** @throws OciError `LIMIT_EXCEEDED`, and the errors of the file system */
export async function readDocument(path: string, name: string): Promise<string> {
  // One byte more than allowed tells that there is more.
  const body = createReadStream(path, { end: maxDocumentBytes });
  const bytes = await readBytes(body, { limit: maxDocumentBytes, what: name });
  return bytes.toString('utf8');
}

/** Refuses what would be parsed for long. @throws OciError `LIMIT_EXCEEDED` */
export function refuseLargeDocument(bytes: number, name: string): void {
  if (bytes <= maxDocumentBytes) return;
  throw new OciError('LIMIT_EXCEEDED', `${name} has more than ${maxDocumentBytes} bytes`, {
    hint: 'Move data out of it into a file of its own.',
  });
}

/** @throws OciError `LIMIT_EXCEEDED` */
export function refuseManyEntries(count: number, what: string): void {
  if (count <= maxDocumentEntries) return;
  throw new OciError(
    'LIMIT_EXCEEDED',
    `${what} has ${count} entries, more than ${maxDocumentEntries}`,
    { hint: 'Split the package.' },
  );
}
