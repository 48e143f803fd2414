import {
  type FileInput,
  type PushedContentOptions,
  type PushedFiles,
  attachFiles,
  pushFiles,
} from '@oci/extensions/files';
import { type Annotations, OciError, isMediaType } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import type { Result } from '../output.js';
import { referenceText } from '../registry/named-artifact.js';
import { afterReplacing, forgetTag } from '../registry/replaced-tag.js';
import { fields } from '../render/fields.js';
import { sizeText } from '../render/quantity.js';
import { fileJson } from './pull-files.js';

interface FilesInput {
  readonly reference: string;
  /** `PATH` or `PATH:MEDIA_TYPE`, as oras has it. */
  readonly files: readonly string[];
  readonly artifactType?: string;
  /** `KEY=VALUE` */
  readonly annotation?: readonly string[];
}

export async function pushArtifact(
  input: FilesInput & { readonly force?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const { reference, repository, text } = context.registries.artifact(input.reference);
    const { tag, digest } = reference;
    if (!tag || digest) {
      throw new OciError('USAGE', 'what is pushed is named by a tag, not by a digest', {
        hint: 'Say REFERENCE as host/name:tag.',
      });
    }
    const options = { ...optionsOf(input, context), tags: [tag], force: input.force };
    const pushed = await pushFiles(repository, input.files.map(fileOf), options);
    const isReplaced = pushed.replaced.length > 0;
    if (isReplaced) await afterReplacing(reference, context);
    else await forgetTag({ ...reference, digest: pushed.manifest.descriptor.digest }, context);
    context.output.print(resultOf(pushed, { reference: text }));
  });
}

export async function attachToArtifact(input: FilesInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const named = context.registries.artifact(input.reference);
    const { repository, tagOrDigest, text: subject } = named;
    const files = input.files.map(fileOf);
    const options = optionsOf(input, context);
    const attached = await attachFiles(repository, tagOrDigest, files, options);
    const { digest } = attached.manifest.descriptor;
    const reference = referenceText({ ...named.reference, digest });
    context.output.print(resultOf(attached, { reference, subject }));
  });
}

function optionsOf(
  { artifactType, annotation = [] }: FilesInput,
  { signal, progress }: Context,
): PushedContentOptions {
  return { artifactType, annotations: annotationsOf(annotation), signal, onEvent: progress };
}

function fileOf(text: string): FileInput {
  const colon = text.lastIndexOf(':');
  const mediaType = text.slice(colon + 1);
  return colon > 0 && isMediaType(mediaType)
    ? { path: text.slice(0, colon), mediaType }
    : { path: text };
}

function annotationsOf(pairs: readonly string[]): Annotations {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) {
        throw new OciError('USAGE', `${pair} is no annotation`, {
          hint: 'It looks like key=value.',
        });
      }
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function resultOf(
  { manifest, artifactType, files, subject, replaced }: PushedFiles,
  names: { readonly reference: string; readonly subject?: string },
): Result {
  const { digest, size } = manifest.descriptor;
  return {
    json: {
      reference: names.reference,
      digest,
      size,
      manifest_digest: digest,
      artifact_type: artifactType,
      subject: subject?.digest ?? null,
      replaced: replaced[0]?.digest ?? null,
      files: files.map(fileJson),
    },
    text: fields([
      [subject ? 'attached' : 'pushed', names.reference],
      ...(subject ? [['to', `${names.subject}, ${subject.digest}`] as const] : []),
      ['manifest', digest],
      ['artifact type', artifactType],
      ...files.map(
        ({ path, descriptor }) => ['file', `${path}, ${sizeText(descriptor.size)}`] as const,
      ),
    ]),
    brief: digest,
  };
}
