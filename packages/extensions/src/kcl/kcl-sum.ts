import { createHash } from 'node:crypto';

import { byteOrder } from '../pack/source-tree.js';

/** A file as far as the sum is concerned. */
export interface SummedFile {
  /** Relative, with `/`. */
  readonly path: string;
  readonly content: Uint8Array;
}

/**
 * kpm's `org.kcllang.package.sum`: SHA-256, base64, over the contents of all files, without names or
 * separators, in the order of a walk that sorts each directory by name. Paths that contain `.git` or
 * `.tar` do not count. It is advice; what proves integrity is the digest.
 */
export function kclSum(files: Iterable<SummedFile>): string {
  const hash = createHash('sha256');
  const counted = [...files].filter(({ path }) => !path.includes('.git') && !path.includes('.tar'));
  for (const file of counted.sort((a, b) => walkOrder(a.path, b.path))) hash.update(file.content);
  return hash.digest('base64');
}

/** Component by component: `a/z.k` comes before `a-b.k`, as `a` comes before `a-b.k`. */
function walkOrder(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = byteOrder(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
