import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';

import { generateKeyPair } from '@oci/manager/signing';
import { OciError } from '@oci/spec-types';
import { createFile, hasCode, onStorage } from '@oci/files';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { secretAnswer } from '../question.js';
import { fields } from '../render/fields.js';
import { keyPassword } from './signing-key.js';

interface GenerateInput {
  readonly name?: string;
  readonly passwordStdin?: boolean;
  readonly unsealed?: boolean;
}

export async function generate(input: GenerateInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ output }) => {
    const base = resolve(input.name ?? 'cosign');
    const password = input.unsealed ? undefined : await passwordFor(input, invocation);
    const { privateKey, publicKey } = await generateKeyPair(password);
    const paths = { privateKey: `${base}.key`, publicKey: `${base}.pub` };
    await writeNew(paths.privateKey, privateKey, 0o600);
    try {
      await writeNew(paths.publicKey, publicKey, 0o644);
    } catch (error) {
      await rm(paths.privateKey, { force: true });
      throw error;
    }
    output.print({
      json: { private_key: paths.privateKey, public_key: paths.publicKey },
      text: fields([
        ['private key', paths.privateKey],
        ['public key', paths.publicKey],
      ]),
      brief: paths.publicKey,
    });
  });
}

async function passwordFor(
  { passwordStdin = false }: GenerateInput,
  { terminal }: Invocation,
): Promise<string> {
  const known = await keyPassword({ passwordStdin }, terminal, 'Password for the private key: ');
  const isTyped = !passwordStdin && terminal.env['COSIGN_PASSWORD'] === undefined;
  if (known !== undefined && isTyped && (await secretAnswer('Again: ', terminal)) !== known) {
    throw new OciError('USAGE', 'the passwords are not the same', { hint: 'No key was made.' });
  }
  if (known !== undefined) return known;
  throw new OciError('USAGE', 'there is no terminal to ask for a password', {
    hint: 'Give it in COSIGN_PASSWORD or with --password-stdin, or say --unsealed.',
  });
}

/** A key that is there may be the only one of its kind. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  await onStorage({ path }, async () => {
    await createFile(path, text, { mode }).catch((cause: unknown) => {
      if (!hasCode(cause, 'EEXIST')) throw cause;
      throw new OciError('USAGE', `${path} is there already`, {
        cause,
        hint: 'Name another: ocictl generate-key-pair NAME',
      });
    });
  });
}
