import { OciError, isOciError } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { confirmed } from '../question.js';
import { forgetTag } from '../registry/replaced-tag.js';
import type { NamedArtifact } from '../registry/registries.js';
import { fields } from '../render/fields.js';

interface DeleteInput {
  readonly reference: string;
  readonly yes?: boolean;
}

export async function deleteArtifact(input: DeleteInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { registries, output, signal, progress } = context;
    const named = registries.artifact(input.reference);
    if (named.reference.tag && !/:[^/]+$/.test(input.reference) && !named.reference.digest) {
      throw new OciError('USAGE', `${input.reference} names no tag and no digest`, {
        hint: `Say which: ocictl tags ${input.reference}`,
      });
    }
    const call = { signal, onEvent: progress };
    const { digest } = await named.repository.withoutMirrors().resolve(named.tagOrDigest, call);
    const deleted = named.reference.digest ? 'manifest' : 'tag';
    const what = deleted === 'tag' ? 'the tag' : 'the manifest and all its tags:';
    await confirm(`delete ${what} ${named.text}?`, input, invocation);
    await remove(named, context);
    if (deleted === 'tag') await forgetTag(named.reference, context);
    output.print({
      json: { reference: named.text, digest, manifest_digest: digest, deleted },
      text: fields([
        [`deleted ${deleted}`, named.text],
        ['manifest', digest],
      ]),
    });
  });
}

async function confirm(
  question: string,
  { yes = false }: DeleteInput,
  { terminal }: Invocation,
): Promise<void> {
  const answer = yes || (await confirmed(question, terminal));
  if (answer) return;
  if (answer === undefined) {
    throw new OciError('USAGE', 'deleting has to be confirmed, and nobody is asked here', {
      hint: 'Say --yes.',
    });
  }
  throw new OciError('ABORTED', 'nothing was deleted');
}

async function remove(named: NamedArtifact, { signal, progress }: Context): Promise<void> {
  const { reference, tagOrDigest } = named;
  const repository = named.repository.withoutMirrors();
  const call = { signal, onEvent: progress };
  if (!reference.tag || reference.digest) {
    await repository.deleteManifest(await repository.resolve(tagOrDigest, call), call);
    return;
  }
  const { tag } = reference;
  await repository.deleteTag(tag, call).catch(async (error: unknown) => {
    if (!isOciError(error, 'UNSUPPORTED')) throw error;
    const { digest } = await repository.resolve(tag, call);
    throw new OciError('UNSUPPORTED', error.message, {
      cause: error,
      request: error.request,
      registryErrors: error.registryErrors,
      hint: `Delete its manifest, and with it all tags of that: ocictl delete ${reference.registry}/${reference.repository}@${digest}`,
    });
  });
}
