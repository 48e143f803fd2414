import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

import type { RemoteRepository } from '@oci/client';
import {
  type Descriptor,
  type EventListener,
  OciError,
  annotations,
  digestAlgorithm,
  digestEncoded,
  foldedPath,
  isPackedDirectory,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';
import {
  makeDirectoryBelow,
  onStorage,
  refuseDirectory,
  temporaryBeside,
  unlessMissing,
  withDirectoryBelow,
  withFileLock,
} from '@oci/files';

import { filePath } from './file-name.js';

/** The client keeps the limits of each host besides. */
export const filesAtOnce = 5;

export interface DownloadOptions {
  /** Made when it is missing. */
  readonly directory: string;
  /** Refuse to replace a file that has other content. */
  readonly keepOldFiles: boolean;
  /** The name of a layer without a title, where its kind has one. */
  readonly nameOf?: ((layer: Descriptor) => string | undefined) | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
}

/** A layer as a file, or as a directory where ORAS packed one. */
export interface DownloadedFile {
  readonly descriptor: Descriptor;
  /** Absolute. */
  readonly path: string;
}

/**
 * Writes layers as files below a directory: each beside its place first, verified, then renamed. What
 * was downloaded when it is interrupted stays beside its place, and the next call goes on from it.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `POLICY_REFUSED`, `STORAGE_…`, and what the download fails with
 */
export async function downloadFiles(
  source: RemoteRepository,
  layers: readonly Descriptor[],
  options: DownloadOptions,
): Promise<readonly DownloadedFile[]> {
  const placed = layers.map((layer) => ({
    layer,
    segments: filePath(layer, options.nameOf?.(layer)),
  }));
  refuseTwins(placed);
  const root = resolve(options.directory);
  await onStorage({ path: root }, () => mkdir(root, { recursive: true }));
  const files = placed.map(({ layer, segments }) => ({
    descriptor: layer,
    path: join(root, ...segments),
  }));
  await onStorage({ path: root }, () =>
    withDirectoryBelow(root, '', async (held) => {
      const directoryOf = ({ path }: DownloadedFile): string => relative(root, dirname(path));
      // A link that is there already is refused before anything is asked for (CVE-2024-0406 in kind).
      for (const file of files) await makeDirectoryBelow(root, directoryOf(file));
      const download = (file: DownloadedFile, signal: AbortSignal): Promise<void> =>
        withDirectoryBelow(held, directoryOf(file), (directory) => {
          const opened = { ...file, opened: join(directory, basename(file.path)) };
          return downloadFile(source, opened, { ...options, signal });
        });
      await forEachConcurrent(files, download, { limit: filesAtOnce, signal: options.signal });
    }),
  );
  return files;
}

/** A file by its path in a directory that is held open: nothing that takes the directory's place leads elsewhere. */
interface OpenedFile extends DownloadedFile {
  readonly opened: string;
}

async function downloadFile(
  source: RemoteRepository,
  file: OpenedFile,
  options: DownloadOptions,
): Promise<void> {
  const { digest, size } = file.descriptor;
  const { onEvent, signal } = options;
  const isThere = async (): Promise<boolean> => {
    if (isPackedDirectory(file.descriptor)) return false;
    if (!(await holds(file.opened, file.descriptor))) return false;
    onEvent({ type: 'cached', digest, size });
    return true;
  };
  if (await isThere()) return;
  const whole = `${file.opened}.${digestEncoded(digest).slice(0, 12)}`;
  const lock = `${whole}.lock`;
  const work = async (): Promise<void> => {
    if (!(await isThere())) await downloadInTurn(source, { ...file, whole }, options);
  };
  await withFileLock(lock, work, {
    patienceMs: Number.POSITIVE_INFINITY,
    trash: temporaryBeside(lock),
    signal,
    onWait: () => onEvent({ type: 'joined', digest, size }),
  });
}

/** A partial file is for one download at a time. */
async function downloadInTurn(
  source: RemoteRepository,
  { descriptor, path, opened, whole }: OpenedFile & { readonly whole: string },
  { keepOldFiles, signal, onEvent }: DownloadOptions,
): Promise<void> {
  const { digest, size } = descriptor;
  const isDirectory = isPackedDirectory(descriptor);
  if (!isDirectory) await refuseDirectory(opened);
  if (!isDirectory && keepOldFiles && (await exists(opened))) {
    throw new OciError('POLICY_REFUSED', `${path} has other content`, {
      hint: 'Move it away, or leave out --keep-old-files to replace it.',
    });
  }
  const title = descriptor.annotations?.[annotations.title];
  onEvent({ type: 'start', digest, size, ...(title !== undefined && { title }) });
  await source.downloadBlob(descriptor, whole, { signal, onEvent });
  if (isDirectory) {
    // Few artifacts have directories, and unpacking is large.
    const { placeDirectory } = await import('./directory-download.js');
    const place = { above: dirname(opened), name: basename(opened), keepOldFiles, signal };
    await onStorage({ path }, () => placeDirectory(whole, descriptor, place)).finally(() =>
      rm(whole, { force: true }),
    );
  } else await onStorage({ path }, () => rename(whole, opened));
  onEvent({ type: 'done', digest, size });
}

function refuseTwins(placed: readonly { readonly segments: readonly string[] }[]): void {
  const seen = new Set<string>();
  for (const { segments } of placed) {
    // File systems of macOS and Windows take these for the same.
    const name = foldedPath(segments.join('/'));
    if (seen.has(name))
      throw new OciError('ARCHIVE_UNSAFE', `two layers are named ${segments.join('/')}`, {
        hint: 'Nothing was written.',
      });
    seen.add(name);
  }
}

async function holds(path: string, { digest, size }: Descriptor): Promise<boolean> {
  const found = await lstat(path).catch(unlessMissing);
  if (!found?.isFile() || found.size !== size) return false;
  const hash = createHash(digestAlgorithm(digest));
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk as Buffer);
  return hash.digest('hex') === digestEncoded(digest);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(unlessMissing)) !== undefined;
}
