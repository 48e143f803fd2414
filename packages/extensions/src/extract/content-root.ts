import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExtractedTree } from './extract.js';

/** Where the files are: in the tree itself, or in the one directory that wraps them all. */
export async function contentRoot(tree: ExtractedTree): Promise<string> {
  const entries = await readdir(tree.root, { withFileTypes: true });
  const [only, ...others] = entries;
  const isWrapper = only?.isDirectory() === true && others.length === 0;
  return isWrapper ? join(tree.root, only.name) : tree.root;
}
