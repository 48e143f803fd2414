import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { OciError, asOciError, isOciError, throwIfAborted } from '@oci/spec-types';
import { storageFailure } from '@oci/spec-types/node';

import { type ExtractLimits, defaultExtractLimits } from './limits.js';
import { readTar } from './read-tar.js';
import { TreeWriter } from './tree-writer.js';

/** A directory that an archive was unpacked to. Made only by {@link extractArchive}. */
export interface ExtractedTree {
  /** Absolute. */
  readonly root: string;
  readonly files: number;
  /** Of all files. */
  readonly bytes: number;
  readonly __brand: 'ExtractedTree';
}

export interface ExtractOptions {
  readonly limits?: Partial<ExtractLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpacks a tar or gzip tar to a directory that does not exist yet: into a new one beside it, which
 * gets the name when everything is there. Only plain files and directories; owners, set-id bits and
 * times are not taken over.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `USAGE`, `STORAGE_…`, `ABORTED`
 */
export async function extractArchive(
  archivePath: string,
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedTree> {
  throwIfAborted(options.signal);
  const root = resolve(destination);
  if (await exists(root)) {
    throw new OciError('USAGE', `${root} exists already`, {
      hint: 'Unpack to a new directory, or remove that one.',
    });
  }
  const staging = join(dirname(root), `.extract-${randomUUID()}`);
  try {
    await mkdir(staging, { recursive: true });
    const limits = { ...defaultExtractLimits, ...options.limits };
    const writer = new TreeWriter(staging, limits);
    await readTar(await openTar(archivePath, limits, options.signal), {
      onEntry: (entry) => writer.write(entry),
      limits,
      signal: options.signal,
    });
    await chmod(staging, 0o755);
    await rename(staging, root);
    return { root, files: writer.files, bytes: writer.bytes, __brand: 'ExtractedTree' };
  } catch (error) {
    throw failure(error, archivePath, root);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The bytes of the tar, decompressed when its first bytes say so; media types are often wrong. */
async function openTar(
  path: string,
  limits: ExtractLimits,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const { size } = await stat(path);
  const magic = await firstBytes(path, 4);
  const source = createReadStream(path, { highWaterMark: 1024 * 1024, ...(signal && { signal }) });
  if (magic[0] === 0x1f && magic[1] === 0x8b) {
    // Whichever of the two ends, so does the other, and the file is closed.
    const gunzip = pipeline(source, createGunzip(), () => {});
    return bounded(gunzip, Math.max(limits.ratioFloorBytes, size * limits.ratio));
  }
  if (magic[0] === 0x28 && magic[1] === 0xb5) throw unsupported(source, 'zstd');
  if (magic[0] === 0x50 && magic[1] === 0x4b) throw unsupported(source, 'zip');
  return source as AsyncIterable<Buffer>;
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path);
  try {
    return (await file.read(Buffer.alloc(count), 0, count, 0)).buffer;
  } finally {
    await file.close();
  }
}

function unsupported(source: { destroy(): void }, type: string): OciError {
  source.destroy();
  return new OciError('UNSUPPORTED', `archives of type ${type} can not be unpacked`, {
    hint: 'Publish it as tar or tar+gzip.',
  });
}

/** A small archive that unpacks to very much is an attack, not a package. */
async function* bounded(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit)
      throw new OciError(
        'LIMIT_EXCEEDED',
        `the archive unpacks to more than ${limit} bytes, far more than its size`,
      );
    yield chunk;
  }
}

function failure(error: unknown, archivePath: string, root: string): OciError {
  if (isOciError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('Z_') || code.startsWith('TAR_') || code.startsWith('ERR_ZLIB')) {
    return new OciError('ARCHIVE_INVALID', `${archivePath} is damaged or no tar`, {
      cause: error,
      hint: 'Nothing was unpacked.',
    });
  }
  return asOciError(storageFailure(error, { path: root }));
}
