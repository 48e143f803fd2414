import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

import { isMissing, onStorage } from '@oci/spec-types/node';

import { parseAuthObject } from './auth-file.js';

type Entries = Readonly<Record<string, unknown>>;

/**
 * Changes the entries (`auths`) of a credentials file and nothing else in it. The new file replaces the old
 * one whole, readable by its owner only; a link to a file stays one.
 *
 * @param change gives the new entries, or undefined to leave the file alone
 * @throws OciError `CONFIG_INVALID`, `STORAGE_DENIED`, `STORAGE_FULL`, `STORAGE_FAILED`
 */
export async function editAuthFile(
  path: string,
  change: (entries: Entries) => Entries | undefined,
): Promise<void> {
  await onStorage({ path }, async () => {
    const target = await realpath(path).catch(() => path);
    const document = parseAuthObject(await readText(target), path);
    const { auths } = document;
    const entries = typeof auths === 'object' && auths !== null ? (auths as Entries) : {};
    const changed = change(entries);
    if (!changed) return;
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await replace(target, `${JSON.stringify({ ...document, auths: changed }, undefined, '\t')}\n`);
  });
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

async function replace(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
