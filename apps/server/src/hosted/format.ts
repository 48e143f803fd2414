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
  if (after.value?.version === version) return;
  throw new OciError('STORAGE_FAILED', `the storage is of format ${after.value?.version}`, {
    hint: `This server knows format ${version}: use the newer server that wrote it.`,
  });
}
