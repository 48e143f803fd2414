import { readFile } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';

/** A file that a setting names. @throws OciError `CONFIG_INVALID` */
export async function readSettingFile(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new OciError('CONFIG_INVALID', `the file of ${key}, ${path}, ${why}`, {
      cause,
      hint: 'The user that oci-server runs as has to be able to read it.',
    });
  }
}

/** A key of at least 32 bytes. @throws OciError `CONFIG_INVALID` */
export async function readKeyFile(key: string, path: string): Promise<Buffer> {
  const bytes = await readSettingFile(key, path);
  if (bytes.length >= 32) return bytes;
  throw new OciError('CONFIG_INVALID', `the key of ${key} has only ${bytes.length} bytes`, {
    hint: `Make one with: openssl rand -out ${path} 32`,
  });
}
