import { type OciError, asOciError, isOciError } from '@oci/spec-types';
import { storageFailure } from '@oci/spec-types/node';

import { damaged } from './archive-rule.js';
import { archiveType, tarChunks } from './archive-source.js';
import type { ExtractLimits } from './limits.js';
import { TarParser } from './tar-parser.js';
import { TreeWriter } from './tree-writer.js';
import { unpackZip } from './zip.js';

/** Archives that are laid over each other, in their order, below a directory. */
export interface UnpackRequest {
  readonly archives: readonly {
    readonly path: string;
    /** Where below the directory; `''` is the directory itself. */
    readonly under: string;
  }[];
  /** Exists, and is empty. */
  readonly directory: string;
  readonly limits: ExtractLimits;
}

export interface UnpackResult {
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
}

/**
 * Unpacks archives to an empty directory. It writes without waiting, so that it belongs into a thread
 * of its own.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, `STORAGE_…`
 */
export async function unpack(request: UnpackRequest, signal?: AbortSignal): Promise<UnpackResult> {
  const writer = new TreeWriter(request.directory, request.limits);
  try {
    for (const { path, under } of request.archives) {
      writer.nextArchive(under);
      const type = await archiveType(path);
      const options = { limits: request.limits, signal, current: () => writer.current };
      if (type === 'zip') await unpackZip(path, { writer, ...options });
      else await unpackTar(tarChunks(path, { type, ...options }), writer);
    }
    return { files: writer.files, bytes: writer.bytes };
  } catch (error) {
    throw failure(error, request.directory);
  } finally {
    writer.close();
  }
}

async function unpackTar(chunks: AsyncIterable<Buffer>, writer: TreeWriter): Promise<void> {
  const parser = new TarParser(writer);
  for await (const chunk of chunks) parser.write(chunk);
  parser.end();
}

function failure(error: unknown, directory: string): OciError {
  if (isOciError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(?:Z_|ERR_ZLIB|ZSTD_|ERR_ZSTD)/.test(code))
    return damaged('it can not be decompressed', error);
  return asOciError(storageFailure(error, { path: directory }));
}
