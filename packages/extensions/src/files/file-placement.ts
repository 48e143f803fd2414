import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

import {
  type BlobDownloader,
  BlobProgress,
  type BlobSource,
  type CallOptions,
  type Descriptor,
  OciError,
  digestAlgorithm,
  digestEncoded,
  isPackedDirectory,
} from '@oci/spec-types';
import { foldedPath } from '@oci/spec-types/text';
import {
  createFile,
  makeDirectoryBelow,
  onStorage,
  refuseDirectory,
  temporaryBeside,
  unlessMissing,
  withDirectoryBelow,
  withFileLock,
} from '@oci/files';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { ArtifactFile } from './artifact-files.js';
import { filePath } from './file-path.js';

/** A registry's limits hold besides. */
const filesAtOnce = 5;

/** Where files come from; one that downloads goes on after an interrupt. */
export type FileSource = BlobSource & Partial<BlobDownloader>;

export interface PlacementOptions extends CallOptions {
  /** Made when it is missing. */
  readonly directory: string;
  /** Refuses to replace a file that has other content. Default false. */
  readonly keepOldFiles?: boolean | undefined;
}

/** A layer as a file, or as a directory where ORAS packed one. */
export interface PulledFile {
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
export async function placeFiles(
  source: FileSource,
  wanted: readonly ArtifactFile[],
  options: PlacementOptions,
): Promise<readonly PulledFile[]> {
  const placed = wanted.map(({ name, descriptor }) => ({ descriptor, segments: filePath(name) }));
  refuseTwins(placed);
  const root = resolve(options.directory);
  await onStorage({ path: root }, () => mkdir(root, { recursive: true }));
  const files = placed.map(({ descriptor, segments }) => ({
    descriptor,
    path: join(root, ...segments),
  }));
  const directoryOf = ({ path }: PulledFile): string => relative(root, dirname(path));
  await onStorage({ path: root }, () =>
    withDirectoryBelow(root, '', async (held) => {
      // A link that is there already is refused before anything is asked for (CVE-2024-0406 in kind).
      for (const file of files) await makeDirectoryBelow(root, directoryOf(file));
      const place = (file: PulledFile, signal: AbortSignal): Promise<void> =>
        withDirectoryBelow(held, directoryOf(file), (directory) => {
          const opened = { ...file, opened: join(directory, basename(file.path)) };
          return new FilePlacement(source, opened, { ...options, signal }).place();
        });
      await forEachConcurrent(files, place, { limit: filesAtOnce, signal: options.signal });
    }),
  );
  return files;
}

/** A file by its path in a directory that is held open: nothing that takes the directory's place leads elsewhere. */
interface OpenedFile extends PulledFile {
  readonly opened: string;
}

class FilePlacement {
  readonly #source: FileSource;
  readonly #file: OpenedFile;
  readonly #options: PlacementOptions;
  /** The verified bytes, beside their place. */
  readonly #whole: string;

  constructor(source: FileSource, file: OpenedFile, options: PlacementOptions) {
    this.#source = source;
    this.#file = file;
    this.#options = options;
    this.#whole = `${file.opened}.${digestEncoded(file.descriptor.digest).slice(0, 12)}`;
  }

  async place(): Promise<void> {
    if (await this.#isThere()) return;
    const { signal, onEvent } = this.#options;
    const { digest, size } = this.#file.descriptor;
    const lock = `${this.#whole}.lock`;
    // A partial file is for one download at a time.
    const work = async (): Promise<void> => {
      if (!(await this.#isThere())) await this.#bring();
    };
    await withFileLock(lock, work, {
      patienceMs: Number.POSITIVE_INFINITY,
      trash: temporaryBeside(lock),
      signal,
      onWait: () => onEvent?.({ type: 'joined', digest, size }),
    });
  }

  async #isThere(): Promise<boolean> {
    const { descriptor, opened } = this.#file;
    if (isPackedDirectory(descriptor) || !(await holds(opened, descriptor))) return false;
    const { digest, size } = descriptor;
    this.#options.onEvent?.({ type: 'cached', digest, size });
    return true;
  }

  async #bring(): Promise<void> {
    const { descriptor, path, opened } = this.#file;
    const isDirectory = isPackedDirectory(descriptor);
    if (!isDirectory) await this.#refuseTaken();
    const progress = new BlobProgress(descriptor, this.#options.onEvent);
    progress.start();
    await this.#download(progress);
    if (isDirectory) await this.#unpack();
    else await onStorage({ path }, () => rename(this.#whole, opened));
    progress.done();
  }

  async #refuseTaken(): Promise<void> {
    const { path, opened } = this.#file;
    await refuseDirectory(opened);
    if (!this.#options.keepOldFiles || !(await exists(opened))) return;
    throw new OciError('POLICY_REFUSED', `${path} has other content`, {
      hint: 'Move it away, or leave out `keepOldFiles` to replace it.',
      reason: { kind: 'file-taken', by: 'file' },
    });
  }

  async #download(progress: BlobProgress): Promise<void> {
    const { descriptor, path } = this.#file;
    const { signal } = this.#options;
    const below = { signal, onEvent: progress.below() };
    if (this.#source.downloadBlob) {
      await this.#source.downloadBlob(descriptor, this.#whole, below);
      return;
    }
    const bytes = await this.#source.fetchBlob(descriptor, below);
    await onStorage({ path }, async () => {
      // A call that was killed may have left one.
      await rm(this.#whole, { force: true });
      await createFile(this.#whole, progress.of(bytes));
    });
  }

  /** Few artifacts have directories, and unpacking is large. */
  async #unpack(): Promise<void> {
    const { placeDirectory } = await import('./directory-placement.js');
    const { descriptor, path, opened } = this.#file;
    const { keepOldFiles = false, signal } = this.#options;
    const place = { above: dirname(opened), name: basename(opened), keepOldFiles, signal };
    await onStorage({ path }, () => placeDirectory(this.#whole, descriptor, place)).finally(() =>
      rm(this.#whole, { force: true }),
    );
  }
}

interface NamedLayer {
  readonly descriptor: Descriptor;
  readonly segments: readonly string[];
}

/** Refuses two layers of one name, and one below another that is a file. */
function refuseTwins(placed: readonly NamedLayer[]): void {
  const refused = (message: string): OciError =>
    new OciError('ARCHIVE_UNSAFE', message, { hint: 'Nothing was written.' });
  // File systems of macOS and Windows take names for the same that are when folded.
  const folded = (segments: readonly string[]): string => foldedPath(segments.join('/'));
  const names = new Set<string>();
  const files = new Set<string>();
  for (const { descriptor, segments } of placed) {
    const name = folded(segments);
    if (names.has(name)) throw refused(`two layers are named ${segments.join('/')}`);
    names.add(name);
    if (!isPackedDirectory(descriptor)) files.add(name);
  }
  for (const { segments } of placed) {
    const above = segments.slice(1).map((_, index) => segments.slice(0, index + 1));
    const taken = above.find((directory) => files.has(folded(directory)));
    if (!taken) continue;
    throw refused(`a layer is the file ${taken.join('/')}, and another is ${segments.join('/')}`);
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
