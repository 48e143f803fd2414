import type { FileHandle } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';

import {
  type TarHeader,
  invalidArchive,
  parsePax,
  parseTarHeader,
  tarBlock,
} from './tar-header.js';

/** Where the content of a file lies in a tar. Bytes. */
export interface TarFile {
  readonly offset: number;
  readonly size: number;
}

/** Entries that are looked at, at most. */
const mostEntries = 500_000;
/** Bytes of a long name or a `pax` entry, at most. */
const largestMeta = 64 * 1024;

/**
 * The files of a tar by their names, found by its headers alone; `link` for what is not a file. Of
 * several with one name the last counts, as in tar.
 *
 * @throws OciError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`
 */
export async function readTarDirectory(
  file: FileHandle,
): Promise<ReadonlyMap<string, TarFile | 'link'>> {
  const { size: end } = await file.stat();
  const files = new Map<string, TarFile | 'link'>();
  const block = Buffer.alloc(tarBlock);
  let long: { readonly name?: string | undefined; readonly size?: number | undefined } = {};
  for (let offset = 0, count = 0; offset < end; count += 1) {
    if (count > mostEntries)
      throw new OciError('LIMIT_EXCEEDED', 'the archive has too many entries');
    const { bytesRead } = await file.read(block, 0, tarBlock, offset);
    if (bytesRead < tarBlock) throw invalidArchive('it is cut short');
    if (offset === 0) refuseCompressed(block);
    const header = parseTarHeader(block);
    if (!header) break;
    const start = offset + tarBlock;
    const isMeta = header.type === 'x' || header.type === 'L';
    const size = isMeta ? header.size : sizeOf(header, long.size);
    if (start + size > end) throw invalidArchive('it is cut short');
    if (isMeta) long = { ...long, ...(await readMeta(file, { ...header, offset: start })) };
    else if (!passedOver.has(header.type)) {
      const isFile = header.type === '0' || header.type === '7';
      files.set(plainName(long.name ?? header.name), isFile ? { offset: start, size } : 'link');
      long = {};
    }
    offset = start + Math.ceil(size / tarBlock) * tarBlock;
  }
  return files;
}

/** Links, devices, directories and pipes have no content, whatever their header says. */
function sizeOf({ type, size }: TarHeader, longSize: number | undefined): number {
  return '123456'.includes(type) ? 0 : (longSize ?? size);
}

/** A `pax` entry for all others, which none of ours needs, and GNU's long link targets. */
const passedOver: ReadonlySet<string> = new Set(['g', 'K']);

async function readMeta(
  file: FileHandle,
  { type, offset, size }: TarFile & { readonly type: string },
): Promise<{ readonly name?: string; readonly size?: number }> {
  if (size > largestMeta) throw invalidArchive('a name is too long');
  const bytes = Buffer.alloc(size);
  await file.read(bytes, 0, size, offset);
  if (type === 'L') return { name: bytes.toString('utf8').replace(/\0.*$/s, '') };
  const records = parsePax(bytes);
  const name = records.get('path');
  const length = records.get('size');
  if (length !== undefined && !/^\d{1,15}$/.test(length))
    throw invalidArchive('a size is no number');
  return {
    ...(name !== undefined && { name }),
    ...(length !== undefined && { size: Number(length) }),
  };
}

/** Some tools write `./index.json`. */
function plainName(name: string): string {
  return name.replace(/^(?:\.\/)+/, '');
}

function refuseCompressed(block: Uint8Array): void {
  const isGzip = block[0] === 0x1f && block[1] === 0x8b;
  const isZstd = block[0] === 0x28 && block[1] === 0xb5 && block[2] === 0x2f;
  if (!isGzip && !isZstd) return;
  throw new OciError('ARCHIVE_INVALID', 'the archive is compressed', {
    hint: `Decompress it first, with ${isGzip ? 'gunzip' : 'unzstd'}: its content is compressed already.`,
  });
}
