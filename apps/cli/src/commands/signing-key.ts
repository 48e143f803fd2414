import { readSigningKey } from '@oci/manager/signing';
import { OciError } from '@oci/spec-types';

import { piped, secretAnswer } from '../question.js';
import { readText } from '../read-text.js';
import type { Terminal } from '../terminal.js';

export interface SigningKeyInput {
  /** A file, PEM. */
  readonly key?: string;
  readonly passwordStdin?: boolean;
}

/** Reads the private key of `--key`. @throws OciError `USAGE` without one */
export async function signingKey(
  { key: path, passwordStdin = false }: SigningKeyInput,
  terminal: Terminal,
): ReturnType<typeof readSigningKey> {
  if (path === undefined) {
    throw new OciError('USAGE', 'there is no key to sign with', {
      hint: 'Name it with --key FILE; make one with: ocictl generate-key-pair',
    });
  }
  const pem = await readText(path);
  const isSealed = pem.includes('ENCRYPTED');
  const password = isSealed ? await keyPassword({ passwordStdin }, terminal) : undefined;
  return naming(path, () => readSigningKey(pem, password));
}

/** Puts the path in front of what is wrong with a file. */
export async function naming<T>(path: string, read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    const { code, message, hint, reason, cause } = error;
    throw new OciError(code, `${path}: ${message}`, { hint, reason, cause });
  }
}

/** The password of a private key: from standard input when told so, else COSIGN_PASSWORD, else by asking. */
export async function keyPassword(
  { passwordStdin }: { readonly passwordStdin?: boolean },
  terminal: Terminal,
  question = 'Password of the private key: ',
): Promise<string | undefined> {
  if (passwordStdin) return piped(terminal);
  return terminal.env['COSIGN_PASSWORD'] ?? (await secretAnswer(question, terminal));
}
