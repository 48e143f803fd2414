import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { onStorage, unlessMissing, withDirectoryBelow } from '@oci/files';

import type { PulledPackage } from '../depend/kcl-source.js';
import { contentRoot } from '../extract/extract.js';
import { extractPulled } from '../extract/extract-pulled.js';
import { readSourceTree } from '../pack/source-tree.js';
import { kclSum } from './kcl-sum.js';
import { isSameTree } from './same-tree.js';

/** Where a package goes. */
export interface VendorPlace {
  /** What the user named; below it no link is followed. */
  readonly root: string;
  /** Of the package, relative to the root. */
  readonly relative: string;
}

/** What was there before. */
export interface Placement {
  readonly before: 'same' | 'other' | 'nothing';
  /** False when the files have another sum than was published. */
  readonly isSummed: boolean;
}

/**
 * Puts the files of a pulled package to a place, unless exactly these are there: the package is unpacked beside
 * it and compared, for what a checkout says of its own files proves nothing.
 *
 * @throws OciError `POLICY_REFUSED` when a directory on the way is a link, and what unpacking can fail with
 */
export async function placePackage(
  pulled: PulledPackage,
  { root, relative }: VendorPlace,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<Placement> {
  return onStorage({ path: join(root, relative) }, async () => {
    await mkdir(root, { recursive: true });
    return withDirectoryBelow(root, dirname(relative), async (directory) => {
      const staging = join(directory, `.vendored-${randomUUID()}`);
      try {
        await mkdir(staging);
        const tree = await extractPulled(pulled, join(staging, 'tree'), options);
        const content = await contentRoot(tree);
        const sum = kclSum((await readSourceTree(content)).filter(({ type }) => type === 'file'));
        const isSummed = pulled.sum === '' || pulled.sum === sum;
        const place = join(directory, basename(relative));
        return { before: await replaceDirectory(content, place, staging), isSummed };
      } finally {
        await rm(staging, { recursive: true, force: true });
      }
    });
  });
}

async function replaceDirectory(
  from: string,
  to: string,
  staging: string,
): Promise<Placement['before']> {
  const there = await lstat(to).catch(unlessMissing);
  if (there?.isDirectory() && (await isSameTree(from, to))) return 'same';
  const old = join(staging, 'old');
  await rename(to, old).catch(unlessMissing);
  await rename(from, to).catch(async (error: unknown) => {
    await rename(old, to).catch(unlessMissing);
    throw error;
  });
  return there ? 'other' : 'nothing';
}
