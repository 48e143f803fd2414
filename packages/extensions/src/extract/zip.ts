import { stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

import { OciError, isOciError, throwIfAborted } from '@oci/spec-types';
import yauzl, { type Entry, type ZipFile } from 'yauzl';

import { brokenRule, damaged } from './archive-rule.js';
import type { ExtractLimits } from './limits.js';
import type { ArchiveEntry, EntrySink } from './tar-parser.js';

/** Of the mode that a zip made on Unix has in the upper half of its external attributes. */
const fileType = { mask: 0o170000, link: 0o120000, directory: 0o040000, file: 0o100000 } as const;
const methods = { stored: 0, deflated: 8 } as const;

/**
 * Unpacks a zip by its central directory, entry by entry.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`
 */
export async function unpackZip(
  path: string,
  options: {
    readonly writer: EntrySink;
    readonly limits: Pick<ExtractLimits, 'ratio' | 'ratioFloorBytes'>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const { writer, limits, signal } = options;
  const most = Math.max(limits.ratioFloorBytes, (await stat(path)).size * limits.ratio);
  // Undecoded names pass as they are: `parseEntryPath` decides, and says which rule they break.
  const zip = await yauzl
    .openPromise(path, { autoClose: false, decodeStrings: false })
    .catch(asDamaged);
  let total = 0;
  try {
    for await (const raw of zip.eachEntry()) {
      throwIfAborted(signal);
      const entry = entryOf(raw);
      await refuseOtherHeader(zip, raw, entry.path);
      total += entry.size;
      if (total > most) throw brokenRule('ratio', entry.path, `(${most} bytes)`);
      writer.begin(entry);
      if (!entry.isDirectory) await copy(zip, raw, writer);
      writer.end();
    }
  } catch (error) {
    throw asDamaged(error);
  } finally {
    zip.close();
  }
}

function entryOf(raw: Entry): ArchiveEntry {
  const path = yauzl.getFileNameLowLevel(
    raw.generalPurposeBitFlag,
    raw.fileNameRaw,
    raw.extraFields,
    true,
  );
  const mode = raw.externalFileAttributes >>> 16;
  refuse(raw, { path, type: mode & fileType.mask });
  return {
    path,
    isDirectory: path.endsWith('/'),
    size: raw.uncompressedSize,
    isExecutable: (mode & 0o111) !== 0,
  };
}

function refuse(raw: Entry, { path, type }: { path: string; type: number }): void {
  if (raw.isEncrypted()) throw brokenRule('encrypted', path);
  if (type === fileType.link) throw brokenRule('link', path);
  if (type !== 0 && type !== fileType.file && type !== fileType.directory)
    throw brokenRule('device', path);
  if (path.endsWith('/') && raw.uncompressedSize > 0) throw brokenRule('hidden-header', path);
  const method = raw.compressionMethod;
  if (method === methods.stored || method === methods.deflated) return;
  throw new OciError('UNSUPPORTED', `${JSON.stringify(path)} is compressed by method ${method}`, {
    hint: 'Only stored and deflated files of a zip can be unpacked.',
  });
}

/** Of the general purpose flags (APPNOTE 4.4.4). */
const flags = { encrypted: 1 << 0, descriptor: 1 << 3, strong: 1 << 6, utf8: 1 << 11 } as const;
const comparedFlags = flags.encrypted | flags.descriptor | flags.strong | flags.utf8;
/** Stands for a size that is in the extra field instead (APPNOTE 4.4.8). */
const inZip64 = 0xffff_ffff;

/** Some tools go by the central directory, others by the header before the content: they have to agree. */
async function refuseOtherHeader(zip: ZipFile, raw: Entry, path: string): Promise<void> {
  const local = await zip.readLocalFileHeaderPromise(raw);
  const localFlags = local.generalPurposeBitFlag;
  const extra = yauzl.parseExtraFields(local.extraField);
  const localPath = yauzl.getFileNameLowLevel(localFlags, local.fileName, extra, true);
  const sizes = [
    [local.crc32, raw.crc32],
    [local.compressedSize, raw.compressedSize],
    [local.uncompressedSize, raw.uncompressedSize],
  ] as const;
  // With a descriptor behind the content the header before it says nothing, or the same.
  const isLater = (localFlags & flags.descriptor) !== 0;
  const isSame =
    local.fileName.equals(raw.fileNameRaw) &&
    localPath === path &&
    local.compressionMethod === raw.compressionMethod &&
    ((localFlags ^ raw.generalPurposeBitFlag) & comparedFlags) === 0 &&
    sizes.every(([here, there]) => here === there || here === inZip64 || (isLater && here === 0));
  if (!isSame) throw brokenRule('two-headers', path);
}

async function copy(zip: ZipFile, raw: Entry, writer: EntrySink): Promise<void> {
  let checksum = 0;
  for await (const chunk of await zip.openReadStreamPromise(raw)) {
    checksum = crc32(chunk as Buffer, checksum);
    writer.data(chunk as Buffer);
  }
  if (checksum !== raw.crc32) throw damaged('a file of the zip has a wrong checksum');
}

/** What yauzl and zlib say has no code of the system. */
function asDamaged(error: unknown): never {
  if (isOciError(error) || !(error instanceof Error) || 'syscall' in error) throw error;
  throw damaged(error.message, error);
}
