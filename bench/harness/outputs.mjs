import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/**
 * Fails unless every digest is the one of a file somewhere below a directory: the files are read and hashed,
 * whatever they are called.
 *
 * @param {string} directory
 * @param {readonly string[]} digests
 */
export async function expectFiles(directory, digests) {
  const found = new Set(await digestsBelow(directory));
  const missing = digests.filter((digest) => !found.has(digest));
  if (missing.length > 0)
    throw new Error(
      `${missing.length} of ${digests.length} files are missing or wrong: ${missing[0]}`,
    );
}

/**
 * The digests of all files below a directory.
 *
 * @param {string} directory
 */
async function digestsBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const digests = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const hash = createHash('sha256');
    const path = join(entry.parentPath ?? entry.path, entry.name);
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
    digests.push(`sha256:${hash.digest('hex')}`);
  }
  return digests;
}

/**
 * One digest of the paths, from a folder's name on, and the contents of all files in the folders below a
 * directory whose names begin so: equal trees have equal digests, wherever they are.
 *
 * @param {string} directory
 * @param {string} folder how the names of the folders begin
 */
export async function treeDigest(directory, folder) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => path.includes(`/${folder}`))
    .map((path) => ({ path, name: path.slice(path.indexOf(`/${folder}`)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash('sha256').update(String(paths.length));
  for (const { path, name } of paths) hash.update(`\0${name}\0`).update(await readFile(path));
  return hash.digest('hex');
}
