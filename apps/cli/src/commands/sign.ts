import { type SignatureForm, readSigningKey, signArtifact } from '@oci/manager/signing';
import { OciError } from '@oci/spec-types';

import type { Invocation } from '../command/invocation.js';
import { withContext } from '../context.js';
import { readText } from '../read-text.js';
import { fields } from '../render/fields.js';
import { keyPassword } from './key-password.js';

export interface SignInput {
  readonly reference: string;
  readonly key?: string;
  readonly signatureFormat?: SignatureForm;
  readonly passwordStdin?: boolean;
}

export async function sign(input: SignInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const named = registries.artifact(input.reference);
    const key = await signingKey(input, invocation.terminal);
    const call = { signal, onEvent: progress, forPush: true };
    const { repository, reference, text } = named;
    const descriptor = await repository.resolve(named.tagOrDigest, call);
    const manifest = await repository.fetchManifest(descriptor, call);
    const signed = await signArtifact(repository, manifest, key, {
      ...call,
      form: input.signatureFormat,
      repositoryName: `${reference.registry}/${reference.repository}`,
    });
    output.print({
      json: {
        reference: text,
        digest: descriptor.digest,
        manifest_digest: descriptor.digest,
        signature: { form: signed.form, manifest: signed.manifest, key: signed.hint },
        added: signed.added,
      },
      text: fields([
        [signed.added ? 'signed' : 'was signed', text],
        ['manifest', descriptor.digest],
        ['by key', signed.hint],
        ['signature', `${signed.form} ${signed.manifest}`],
      ]),
      brief: signed.manifest,
    });
  });
}

async function signingKey(
  { key: path, passwordStdin = false }: SignInput,
  terminal: Invocation['terminal'],
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
    const { code, message, hint, cause } = error;
    throw new OciError(code, `${path}: ${message}`, { hint, cause });
  }
}
