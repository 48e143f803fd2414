import { type Stats, statSync } from 'node:fs';

/**
 * How files looked when they were found in order. As long as they look the same they still are: what an
 * editor, a pruning or another process does to a file changes its size, times or inode.
 */
export class StatSnapshot {
  readonly #files: readonly { readonly path: string; readonly seen: Stats }[];
  readonly #isNoted: () => boolean;

  private constructor(
    files: readonly { readonly path: string; readonly seen: Stats }[],
    isNoted: () => boolean,
  ) {
    this.#files = files;
    this.#isNoted = isNoted;
  }

  /**
   * Takes a snapshot of files. To be called before they are found in order, so that what changes meanwhile shows.
   *
   * @param isNoted whether retention knows of the use at this moment
   * @returns undefined when one is missing
   */
  static take(paths: readonly string[], isNoted: () => boolean): StatSnapshot | undefined {
    const files: { path: string; seen: Stats }[] = [];
    for (const path of paths) {
      const seen = statAt(path);
      if (!seen) return undefined;
      files.push({ path, seen });
    }
    return new StatSnapshot(files, isNoted);
  }

  /** Whether all is as it was. Synchronous: some microseconds for each file, and nothing comes in between. */
  isCurrent(): boolean {
    return this.#isNoted() && this.#files.every(({ path, seen }) => isSame(seen, statAt(path)));
  }
}

function statAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isSame(seen: Stats, now: Stats | undefined): boolean {
  return (
    now !== undefined &&
    now.size === seen.size &&
    now.mtimeMs === seen.mtimeMs &&
    now.ctimeMs === seen.ctimeMs &&
    now.ino === seen.ino
  );
}
