import { mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';

import { onStorage, readNamedFile, replaceFile, unlessMissing } from '@oci/files';

import { parseAuthObject } from './auth-file.js';

type Entries = Readonly<Record<string, unknown>>;

/**
 * Changes the entries (`auths`) of a credentials file and nothing else in it. The new file replaces the old
 * one whole, readable by its owner only; a link to a file stays one.
 *
 * @param change gives the new entries, or undefined to leave the file alone
 * @param members written beside the entries
 * @throws OciError `CONFIG_INVALID`, `STORAGE_DENIED`, `STORAGE_FULL`, `STORAGE_FAILED`
 */
export async function editAuthFile(
  path: string,
  change: (entries: Entries) => Entries | undefined,
  members: { readonly credsStore?: string | undefined } = {},
): Promise<void> {
  await onStorage({ path }, async () => {
    const target = await realpath(path).catch(() => path);
    const document = parseAuthObject(
      String((await readNamedFile(target).catch(unlessMissing)) ?? ''),
      path,
    );
    const { auths } = document;
    const entries = typeof auths === 'object' && auths !== null ? (auths as Entries) : {};
    const changed = change(entries);
    if (!changed) return;
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const text = `${JSON.stringify({ ...document, ...members, auths: changed }, undefined, '\t')}\n`;
    await replaceFile(target, text, { mode: 0o600, sync: 'content' });
  });
}
