import { attestArtifact } from '@oci/manager/signing';
import { OciError } from '@oci/spec-types';
import { parseStrictJson } from '@oci/spec-types/schemas';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { readText } from '../read-text.js';
import { fields } from '../render/fields.js';
import { type SigningKeyInput, signingKey } from './signing-key.js';

export interface AttestInput extends SigningKeyInput {
  readonly reference: string;
  readonly predicate?: string;
  readonly type?: string;
}

export async function attest(input: AttestInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const { repository, text, tagOrDigest } = registries.artifact(input.reference);
    const claim = { predicateType: input.type ?? 'custom', predicate: await predicateOf(input) };
    const key = await signingKey(input, invocation.terminal);
    const call = { signal, onEvent: progress, forPush: true };
    const manifest = await repository.fetch(tagOrDigest, call);
    const { digest } = manifest.descriptor;
    const attested = await attestArtifact(repository, manifest, key, { ...call, ...claim });
    output.print({
      json: {
        reference: text,
        manifest_digest: digest,
        predicate_type: attested.predicateType,
        attestation: { manifest: attested.manifest, key: attested.hint },
        added: attested.added,
      },
      text: fields([
        [attested.added ? 'attested' : 'was attested', text],
        ['manifest', digest],
        ['type', attested.predicateType],
        ['by key', attested.hint],
        ['attestation', attested.manifest],
      ]),
      brief: attested.manifest,
    });
  });
}

/** @throws OciError `USAGE` */
async function predicateOf({ predicate: path }: AttestInput): Promise<unknown> {
  if (path === undefined) {
    throw new OciError('USAGE', 'there is nothing to attest', {
      hint: 'Name a file with JSON: --predicate FILE --type TYPE.',
    });
  }
  // A device, since Node opens no pipe by another name.
  const text = await readText(path === '-' ? '/dev/stdin' : path);
  try {
    return parseStrictJson(Buffer.from(text));
  } catch (cause) {
    throw new OciError('USAGE', `${path} is not JSON: ${(cause as Error).message}`, {
      cause,
      hint: 'A predicate is a JSON document, such as an SBOM or a provenance.',
    });
  }
}
