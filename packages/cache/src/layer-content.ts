import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream';

import { type Digest, digestAlgorithm, digestEncoded } from '@oci/spec-types';
import { hasCode, onStorage, unlessMissing } from '@oci/files';

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Tells whether a file has the bytes of a layer, or these compressed, as a plain tar is materialized. A link and what is
 * no file have none.
 *
 * @throws OciError `STORAGE_…` for what may not be read: that says nothing of its bytes
 */
export async function hasLayerContent(
  path: string,
  layer: Digest,
  sizeOf: () => Promise<number | undefined>,
): Promise<boolean> {
  const file = await opened(path);
  if (!file) return false;
  try {
    if (!(await file.stat()).isFile()) return false;
    if ((await hashOf(file, layer)) === digestEncoded(layer)) return true;
    const most = await sizeOf();
    return most !== undefined && (await hashOf(file, layer, most)) === digestEncoded(layer);
  } finally {
    await file.close();
  }
}

/** @returns undefined for a link, and for what is no file */
function opened(path: string): Promise<FileHandle | undefined> {
  return onStorage({ path }, () =>
    open(path, readFlags).catch((error: unknown) =>
      hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO') ? undefined : unlessMissing(error),
    ),
  );
}

/** Content that is materialized as it is, as nearly all, is read without loading what unpacks. */
async function unpacked(source: NodeJS.ReadableStream): Promise<NodeJS.ReadableStream> {
  const { createGunzip } = await import('node:zlib');
  return pipeline(source, createGunzip(), () => {});
}

/** Of the bytes, or of those that they unpack to, `mostUnpacked` of them; undefined for what is no gzip, or more. */
async function hashOf(
  file: FileHandle,
  digest: Digest,
  mostUnpacked?: number,
): Promise<string | undefined> {
  const hash = createHash(digestAlgorithm(digest));
  const source = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1024 * 1024 });
  const chunks = mostUnpacked === undefined ? source : await unpacked(source);
  let size = 0;
  try {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      size += chunk.byteLength;
      if (mostUnpacked !== undefined && size > mostUnpacked) return undefined;
      hash.update(chunk);
    }
    return hash.digest('hex');
  } catch (error) {
    if (mostUnpacked !== undefined) return undefined;
    throw error;
  }
}
