import { OciError } from '@oci/spec-types';

import { keys } from './keys.js';
import type { Records } from './records.js';

interface FormatRecord {
  readonly version: number;
}

const version = 2;

/**
 * Makes sure that a store is of this version, and says so in one that is empty.
 *
 * @throws OciError `STORAGE_FAILED` when a newer server wrote it, and as the store does
 */
export async function ensureFormat(records: Records): Promise<void> {
  const { after } = await records.change<FormatRecord>(keys.format, (format) =>
    format ? undefined : { version },
  );
  ensureKnown(after.value);
}

/**
 * Makes sure that a store is of this version, and writes nothing.
 *
 * @throws OciError `STORAGE_FAILED`, also when it is of an older version, or empty
 */
export async function requireFormat(records: Records, place: string): Promise<void> {
  const format = await records.get<FormatRecord>(keys.format);
  if (format) return ensureKnown(format);
  throw noStorage(place);
}

/** The failure of a command that works on what a server stored, in a place without any. */
export function noStorage(place: string): OciError {
  return new OciError('STORAGE_FAILED', `there is no storage of format ${version} in ${place}`, {
    hint: 'Name the storage of the server. One of an older server is taken over when oci-server serve starts.',
  });
}

function ensureKnown(format: FormatRecord | undefined): void {
  if (format?.version === version) return;
  throw new OciError('STORAGE_FAILED', `the storage is of format ${format?.version}`, {
    hint: `This server knows format ${version}: use the newer server that wrote it.`,
  });
}
