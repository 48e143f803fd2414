import { createHash, randomUUID } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';

import { onStorage, unlessMissing } from '@oci/files';
import {
  type Descriptor,
  type Digest,
  OciError,
  annotations,
  isMediaType,
  parseDigest,
  throwIfAborted,
} from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** A file or directory to push: its path, or what is not as usual. */
export type FileInput =
  | string
  | {
      readonly path: string;
      /** Its path for those who pull it, with `/`. Default: its path in the base directory, else its name. */
      readonly title?: string | undefined;
      /** Default: `application/octet-stream`, or a gzip tar for a directory. */
      readonly mediaType?: string | undefined;
    };

/** A file or directory that is going to be a layer. */
export interface SourceFile {
  readonly descriptor: Descriptor;
  /** As named; absolute. */
  readonly path: string;
  /** The file with the layer's bytes: the file itself, or the archive that a directory was packed to. */
  readonly contentPath: string;
}

/** A source file as it was when it was read. */
export interface DescribedFile extends SourceFile {
  /** Text that differs once the content's file was written to or replaced. */
  readonly snapshot: string;
}

export interface SourceOptions {
  /** What relative paths and titles are relative to. */
  readonly base: string;
  /** Holds the archives of directories, until they are pushed. */
  readonly work: () => Promise<string>;
  readonly signal?: AbortSignal | undefined;
}

const blockBytes = 1024 * 1024;
const defaultFileType = 'application/octet-stream';

/** Describes a file, or packs a directory. @throws OciError `USAGE`, `STORAGE_…`, and for directories as `packDirectory` */
export async function describeInput(
  input: FileInput,
  options: SourceOptions,
): Promise<DescribedFile> {
  const { path, mediaType, title = titleOf(path, options.base) } = checked(input);
  const absolute = resolve(options.base, path);
  const found = await stat(absolute).catch(unlessMissing);
  if (!found) {
    throw new OciError('USAGE', `there is no file ${path}`, {
      hint: 'Give the path of a file or a directory.',
      reason: { kind: 'input-missing' },
    });
  }
  const form = { title, mediaType };
  if (found.isDirectory()) return packedInput(absolute, form, options);
  if (found.isFile()) return fileInput(absolute, form, options);
  throw new OciError('USAGE', `${path} is neither a file nor a directory`, {
    hint: 'Give the path of a file or a directory.',
  });
}

interface Form {
  readonly title: string;
  readonly mediaType: string | undefined;
}

async function fileInput(
  path: string,
  { title, mediaType = defaultFileType }: Form,
  { signal }: SourceOptions,
): Promise<DescribedFile> {
  const snapshot = await snapshotOf(path);
  const { digest, size } = await onStorage({ path }, () => hashFile(path, signal));
  const titled = { [annotations.title]: title };
  const descriptor = { mediaType, digest, size, annotations: titled };
  return { path, contentPath: path, descriptor, snapshot };
}

/** Reads into two blocks in turns: the next is read while one is hashed, and nothing is left to collect. */
async function hashFile(
  path: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    let [block, other] = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)];
    let size = 0;
    let { bytesRead } = await file.read(block, 0, blockBytes);
    while (bytesRead > 0) {
      throwIfAborted(signal);
      const next = file.read(other, 0, blockBytes);
      hash.update(block.subarray(0, bytesRead));
      size += bytesRead;
      [block, other] = [other, block];
      ({ bytesRead } = await next);
    }
    return { digest: parseDigest(`sha256:${hash.digest('hex')}`), size };
  } finally {
    await file.close();
  }
}

async function packedInput(
  path: string,
  form: Form,
  { work, signal }: SourceOptions,
): Promise<DescribedFile> {
  // Few artifacts have directories.
  const { packDirectory } = await import('../pack/directory.js');
  const contentPath = join(await work(), randomUUID());
  const archive = { ...form, archivePath: contentPath };
  const descriptor = await packDirectory(path, archive, { signal });
  return { path, contentPath, descriptor, snapshot: await snapshotOf(contentPath) };
}

/** Tells apart what a file was and is; the change time is of the kernel, and nobody sets it back. */
export async function snapshotOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await onStorage({ path }, () =>
    stat(path, { bigint: true }),
  );
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** A path that leads out of the base directory would not be let in again: only its name is kept. */
function titleOf(path: string, base: string): string {
  const inside = relative(base, resolve(base, path));
  const isOutside = isAbsolute(path) || inside === '' || inside.split(sep)[0] === '..';
  return isOutside ? basename(resolve(base, path)) : inside.split(sep).join('/');
}

/** @throws OciError `USAGE` */
function checked(input: FileInput): Exclude<FileInput, string> {
  const file = typeof input === 'string' ? { path: input } : input;
  if (typeof file?.path !== 'string' || file.path === '' || file.path.includes('\0'))
    throw new OciError('USAGE', `${quoted(file?.path ?? file)} is no path`, {
      hint: 'Give files as paths, or as { path, title, mediaType }.',
    });
  if (file.mediaType !== undefined && !isMediaType(file.mediaType))
    throw new OciError('USAGE', `${quoted(file.mediaType)} is no media type`, {
      hint: 'A media type looks like application/spdx+json.',
    });
  return file;
}
