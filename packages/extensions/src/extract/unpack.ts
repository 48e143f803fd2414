import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

import { OciError, asOciError, isOciError, throwIfAborted } from '@oci/spec-types';
import { shownPath, storageFailure } from '@oci/files';

import { damaged } from './archive-rule.js';
import { detectedType, tarChunks } from './archive-source.js';
import type { LayerArchive } from './layer-archive.js';
import type { ExtractLimits } from './limits.js';
import { TarParser } from './tar-parser.js';
import { TreeWriter } from './tree-writer.js';
import { unpackZip } from './zip.js';

/** Archives that are laid over each other, in their order, below a directory. */
export interface UnpackRequest {
  readonly archives: readonly LayerArchive[];
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
    for (const archive of request.archives) await unpackLayer(archive, { writer, request, signal });
    writer.finish();
    return { files: writer.files, bytes: writer.bytes };
  } catch (error) {
    throw failure(error, request.directory);
  } finally {
    writer.close();
  }
}

interface LayerContext {
  readonly writer: TreeWriter;
  readonly request: UnpackRequest;
  readonly signal: AbortSignal | undefined;
}

async function unpackLayer(
  { path, under, form = 'archive', tarDigest, strip, links }: LayerArchive,
  { writer, request, signal }: LayerContext,
): Promise<void> {
  const type = form === 'file' ? undefined : await detectedType(path);
  if (form === 'file' || (form === 'unknown' && type === undefined)) {
    await copyFile(path, { under, writer, signal });
    return;
  }
  // The name of what turned out to be an archive is not a directory's.
  writer.nextArchive(form === 'unknown' ? '' : under, { strip, links });
  const options = { limits: request.limits, signal, current: () => writer.current };
  if (type === 'zip') return unpackZip(path, { writer, ...options });
  // Too damaged to be known; the parser says what is wrong with it.
  const chunks = tarChunks(path, { type: type ?? 'tar', ...options });
  await unpackTar(tarDigest === undefined ? chunks : hashed(chunks, tarDigest), writer);
}

async function copyFile(
  path: string,
  { under, writer, signal }: { under: string; writer: TreeWriter; signal: AbortSignal | undefined },
): Promise<void> {
  writer.nextArchive('');
  const { size } = await stat(path);
  writer.begin({ path: under, isDirectory: false, size, isExecutable: false });
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    throwIfAborted(signal);
    writer.data(chunk as Buffer);
  }
  writer.end();
}

/** Passes the chunks on, and at their end refuses what is not what was noted. */
async function* hashed(
  chunks: AsyncIterable<Buffer>,
  expected: string,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (!expected.startsWith('sha256:') || digest === expected) return;
  throw new OciError('DIGEST_MISMATCH', `the tar is ${digest}, and its layer says ${expected}`, {
    hint: 'Nothing was unpacked. Tell whoever published it.',
  });
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
  return asOciError(storageFailure(error, { path: shownPath(directory) }));
}
