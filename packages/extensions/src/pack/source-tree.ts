import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';

/** A file or directory that goes into an archive. */
export interface SourceEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'directory';
  readonly content: Uint8Array;
  readonly executable: boolean;
}

/**
 * Everything below a directory, each directory before what is in it, names in byte order per level: the
 * same on every machine. Links and devices are refused, for no extractor of ours or of kpm takes them.
 *
 * @throws OciError `USAGE`
 */
export async function readSourceTree(directory: string): Promise<readonly SourceEntry[]> {
  const entries: SourceEntry[] = [];
  const walk = async (relative: string): Promise<void> => {
    const found = await readdir(join(directory, relative), { withFileTypes: true }).catch(
      (cause: unknown) => {
        throw new OciError('USAGE', `${join(directory, relative)} can not be read as a directory`, {
          cause,
          hint: 'Name a directory that is there and may be read.',
        });
      },
    );
    for (const entry of found.sort((a, b) => byteOrder(a.name, b.name))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (ignored.has(entry.name)) continue;
      if (entry.isDirectory()) {
        entries.push({ path, type: 'directory', content: new Uint8Array(), executable: true });
        await walk(path);
      } else if (entry.isFile()) {
        entries.push(await readEntry(directory, path));
      } else {
        throw new OciError('USAGE', `${path} is neither a file nor a directory`, {
          hint: 'Links and devices can not be published; put a copy of the file there.',
        });
      }
    }
  };
  await walk('');
  return entries;
}

/** What version control and editors leave, which nobody means to publish. */
const ignored = new Set(['.git', '.hg', '.svn', '.DS_Store']);

async function readEntry(directory: string, path: string): Promise<SourceEntry> {
  const absolute = join(directory, path);
  const [content, info] = await Promise.all([readFile(absolute), stat(absolute)]);
  return { path, type: 'file', content, executable: (info.mode & 0o100) !== 0 };
}

export function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
