import { type SignatureForm, signArtifact } from '@oci/manager/signing';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import { type SigningKeyInput, signingKey } from './signing-key.js';

export interface SignInput extends SigningKeyInput {
  readonly reference: string;
  readonly signatureFormat?: SignatureForm;
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
