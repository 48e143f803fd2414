import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { OciError, throwIfAborted } from '@oci/spec-types';
import { shownPath, storageFailure } from '@oci/files';

import type { LayerArchive } from './layer-archive.js';
import { type ExtractLimits, defaultExtractLimits } from './limits.js';
import { unpackInThread } from './unpack-thread.js';

/** A directory that archives were unpacked to. Made only by {@link extractArchive} and {@link extractLayers}. */
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
 * Unpacks a tar, gzip tar, zstd tar (where Node has zstd) or zip to a directory that does not exist yet:
 * in a thread, into a new directory beside it, which gets the name when everything is there. Only plain
 * files and directories; owners, set-id bits and times are not taken over.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, `USAGE`,
 * `STORAGE_…`, `ABORTED`
 */
export function extractArchive(
  archivePath: string,
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedTree> {
  return extractLayers([{ path: archivePath, under: '' }], destination, options);
}

/**
 * Unpacks archives over each other: the files of a later one replace those of an earlier one.
 *
 * @throws OciError as {@link extractArchive}
 */
export async function extractLayers(
  archives: readonly LayerArchive[],
  destination: string,
  options: ExtractOptions = {},
): Promise<ExtractedTree> {
  throwIfAborted(options.signal);
  const root = resolve(destination);
  if (await exists(root)) {
    throw new OciError('USAGE', `${shownPath(root)} exists already`, {
      hint: 'Unpack to a new directory, or remove that one.',
    });
  }
  const directory = join(dirname(root), `.extract-${randomUUID()}`);
  const limits = { ...defaultExtractLimits, ...options.limits };
  try {
    await mkdir(directory, { recursive: true });
    const unpacked = await unpackInThread({ archives, directory, limits }, options.signal);
    await chmod(directory, 0o755);
    await rename(directory, root);
    return { root, ...unpacked, __brand: 'ExtractedTree' };
  } catch (error) {
    throw storageFailure(error, { path: shownPath(root) });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Returns the directory of the files: the tree itself, or the one directory that wraps them all. */
export async function contentRoot(tree: ExtractedTree): Promise<string> {
  const entries = await readdir(tree.root, { withFileTypes: true });
  const [only, ...others] = entries;
  const isWrapper = only?.isDirectory() === true && others.length === 0;
  return isWrapper ? join(tree.root, only.name) : tree.root;
}
