import { unlink } from 'node:fs/promises';
import { join } from 'node:path';

import type { Digest } from '@oci/spec-types';
import { onStorage, refuseLinks, unlessMissing } from '@oci/files';

import { statOf } from '../directory-walk.js';
import { blobKey, recordKey } from '../cache-format.js';

/** Removes a blob, and the record of how it looked. @returns whether it was there */
export async function removeBlob(dir: string, digest: Digest): Promise<boolean> {
  const record = join(dir, recordKey(digest));
  if (statOf(record)) await remove(dir, record);
  return remove(dir, join(dir, blobKey(digest)));
}

async function remove(dir: string, path: string): Promise<boolean> {
  refuseLinks(dir, path);
  const unlinked = unlink(path).then(() => true);
  return onStorage({ path }, async () => (await unlinked.catch(unlessMissing)) ?? false);
}
