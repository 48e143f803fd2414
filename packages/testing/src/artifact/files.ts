import { type TarEntry, tar } from '../archive/tar.js';

/** What a file holds. */
export type FileContents = string | Uint8Array;

/** Files by their path, `/`-joined, relative. */
export type Files = Readonly<Record<string, FileContents>>;

/**
 * The files as an archive with an entry for each directory, in byte order.
 *
 * @param wrapper a directory that all of it is put into, as Helm does
 */
export function tarOfFiles(files: Files, wrapper?: string): Uint8Array {
  const root = wrapper === undefined ? '' : `${wrapper}/`;
  const entries = new Map<string, TarEntry>();
  for (const [path, content] of Object.entries(files)) {
    const full = `${root}${path}`;
    for (let slash = full.indexOf('/'); slash > 0; slash = full.indexOf('/', slash + 1)) {
      const directory = full.slice(0, slash + 1);
      entries.set(directory, { path: directory, type: 'directory' });
    }
    entries.set(full, { path: full, content, mode: full.endsWith('.sh') ? 0o755 : 0o644 });
  }
  return tar([...entries.keys()].sort().map((path) => entries.get(path) ?? { path }));
}
