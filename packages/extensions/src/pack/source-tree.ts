import { lstat, readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';
import { shownPath } from '@oci/files';

import { defaultExtractLimits } from '../extract/limits.js';

/** A file, directory or symbolic link below a directory that is packed. */
export interface SourceNode {
  /** Relative, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  /** Bytes of a file. */
  readonly size: number;
  readonly executable: boolean;
  /** Target of a link. */
  readonly linkPath?: string;
}

/** A file or directory that goes into an archive. */
export interface SourceEntry extends SourceNode {
  readonly content: Uint8Array;
}

/** Bytes of all files of a package that is packed in memory: 1 GiB. */
const inMemoryBytes = 1024 ** 3;

export interface WalkOptions {
  /** Names that are left out wherever they stand. */
  readonly ignored: ReadonlySet<string>;
  /** Symbolic links are kept; they are refused otherwise. */
  readonly links: boolean;
  /** Bytes of all files. */
  readonly bytes: number;
  /** Files, directories and links. */
  readonly entries: number;
}

/**
 * Reads everything below a directory into memory, in the order of {@link walkSource}. Links and devices are
 * refused, because neither this library nor kpm extracts them.
 *
 * @throws OciError `USAGE`, `LIMIT_EXCEEDED`
 */
export async function readSourceTree(directory: string): Promise<readonly SourceEntry[]> {
  const { entries: most } = defaultExtractLimits;
  const options = { ignored, links: false, bytes: inMemoryBytes, entries: most };
  const entries: SourceEntry[] = [];
  for await (const node of walkSource(directory, options)) {
    const isFile = node.type === 'file';
    const content = isFile ? await readFile(join(directory, node.path)) : new Uint8Array();
    entries.push({ ...node, size: content.byteLength, content });
  }
  return entries;
}

/** What version control and editors leave, which nobody means to publish. */
const ignored = new Set(['.git', '.hg', '.svn', '.DS_Store']);

/**
 * Yields everything below a directory, each directory before what is in it, names in byte order per level: the
 * same on every machine. Devices, pipes and sockets are refused.
 *
 * @throws OciError `USAGE`, `LIMIT_EXCEEDED`
 */
export async function* walkSource(
  directory: string,
  options: WalkOptions,
): AsyncGenerator<SourceNode, void, undefined> {
  let entries = 0;
  let bytes = 0;
  for await (const node of nodesBelow(directory, '', options)) {
    entries += 1;
    bytes += node.size;
    if (entries > options.entries) throw tooMuch(directory, `${options.entries} entries`);
    if (bytes > options.bytes) throw tooMuch(directory, `${options.bytes} bytes`);
    yield node;
  }
}

async function* nodesBelow(
  directory: string,
  relative: string,
  options: WalkOptions,
): AsyncGenerator<SourceNode, void, undefined> {
  const level = join(directory, relative);
  const found = await readdir(level, { withFileTypes: true }).catch((cause: unknown) => {
    throw new OciError('USAGE', `${shownPath(level)} cannot be read as a directory`, {
      cause,
      hint: 'Name a directory that is there and may be read.',
    });
  });
  for (const entry of found.sort((a, b) => byteOrder(a.name, b.name))) {
    if (options.ignored.has(entry.name)) continue;
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
    if (entry.isDirectory()) {
      yield { path, type: 'directory', size: 0, executable: true };
      yield* nodesBelow(directory, path, options);
    } else if (entry.isFile()) {
      const { size, mode } = await lstat(join(directory, path)).catch(unreadable(path));
      yield { path, type: 'file', size, executable: (mode & 0o100) !== 0 };
    } else if (entry.isSymbolicLink() && options.links) {
      const linkPath = await readlink(join(directory, path)).catch(unreadable(path));
      yield { path, type: 'link', size: 0, executable: true, linkPath };
    } else {
      throw new OciError('USAGE', `${path} is neither a file nor a directory`, {
        hint: options.links
          ? 'Devices, pipes and sockets cannot be published: move it out of the directory.'
          : 'Links and devices cannot be published: put a copy of the file there.',
      });
    }
  }
}

/** Rethrows a failure to read an entry of the directory. */
export function unreadable(path: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new OciError('USAGE', `${path} cannot be read${code}`, {
      cause,
      hint: 'Check its owner and mode, and that its name is UTF-8.',
    });
  };
}

function tooMuch(directory: string, limit: string): OciError {
  return new OciError('LIMIT_EXCEEDED', `${shownPath(directory)} has more than ${limit}`, {
    hint: 'Publish it in parts, or leave out what is not needed.',
  });
}

export function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
