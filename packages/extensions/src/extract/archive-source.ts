import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import zlib, { createGunzip } from 'node:zlib';

import { type ArchiveType, detectArchive, detectionBytes } from '@oci/cache';
import { OciError, throwIfAborted } from '@oci/spec-types';

import { brokenRule, damaged } from './archive-rule.js';
import type { ExtractLimits } from './limits.js';

const chunkBytes = 1024 * 1024;

/** What a file is by its first bytes; media types and names are often wrong. Undefined for what is no archive. */
export async function detectedType(path: string): Promise<ArchiveType | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(detectionBytes),
      0,
      detectionBytes,
      0,
    );
    return detectArchive(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** The chunks of a tar, decompressed; bounded by the ratio. @throws OciError `UNSUPPORTED` */
export async function* tarChunks(
  path: string,
  options: {
    readonly type: Exclude<ArchiveType, 'zip'>;
    readonly limits: Pick<ExtractLimits, 'ratio' | 'ratioFloorBytes'>;
    /** The entry that is read, for an error to name. */
    readonly current: () => string;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<Buffer, void, undefined> {
  const { size } = await stat(path);
  if (size === 0) throw damaged('it is empty');
  const { ratio, ratioFloorBytes } = options.limits;
  const most = Math.max(ratioFloorBytes, size * ratio);
  const decompress = options.type === 'tar' ? undefined : decompressor(options.type);
  const source = createReadStream(path, { highWaterMark: chunkBytes });
  // Whichever of the two ends, so does the other, and the file is closed.
  const chunks = decompress ? pipeline(source, decompress, () => {}) : source;
  let total = 0;
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    throwIfAborted(options.signal);
    total += chunk.byteLength;
    if (decompress && total > most) throw brokenRule('ratio', options.current(), `(${most} bytes)`);
    yield chunk;
  }
}

function decompressor(type: 'gzip' | 'zstd'): NodeJS.ReadWriteStream {
  if (type === 'gzip') return createGunzip({ chunkSize: chunkBytes / 4 });
  // Since Node 22.15; the types are of Node 20.
  const create = (zlib as { createZstdDecompress?: () => NodeJS.ReadWriteStream })
    .createZstdDecompress;
  if (create) return create();
  throw new OciError('UNSUPPORTED', `Node ${process.versions.node} can not unpack zstd`, {
    hint: 'Use Node 22.15 or newer, or publish the archive as tar+gzip.',
  });
}
