import { isExactVersion } from '@oci/manager';
import { type Descriptor, OciError, type Tag, isOciError } from '@oci/spec-types';

import { type FileArtifact, asPublished, describeFiles } from '../artifact/file-artifact.js';
import { uploadFiles } from '../artifact/file-upload.js';
import type { Invocation } from '../command/invocation.js';
import { type Context, withContext } from '../context.js';
import { referenceText } from '../registry/named-artifact.js';
import type { NamedArtifact } from '../registry/registries.js';
import { fields } from '../render/fields.js';
import { sizeText } from '../render/quantity.js';
import { fileJson } from './pull-files.js';

interface FilesInput {
  readonly reference: string;
  readonly files: readonly string[];
  readonly artifactType?: string;
  readonly annotation?: readonly string[];
}

export async function pushFiles(
  input: FilesInput & { readonly force?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const named = context.registries.artifact(input.reference);
    const { tag, digest } = named.reference;
    if (!tag || digest) {
      throw new OciError('USAGE', 'what is pushed is named by a tag, not by a digest', {
        hint: 'Say REFERENCE as host/name:tag.',
      });
    }
    const described = await describeFiles(optionsOf(input));
    const artifact = input.force
      ? described
      : await unlessPublished(named, { tag, artifact: described, input, signal: context.signal });
    await upload({ named, artifact, tag, subject: undefined }, context);
  });
}

export async function attachFiles(input: FilesInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { files, artifactType, annotation = [] } = input;
    if (files.length === 0 && artifactType === undefined && annotation.length === 0) {
      throw new OciError('USAGE', 'there is nothing to attach', {
        hint: 'Name files, or at least an --artifact-type or an --annotation.',
      });
    }
    const named = context.registries.artifact(input.reference);
    const { signal, progress } = context;
    const subject = await named.repository.resolve(named.tagOrDigest, {
      signal,
      onEvent: progress,
      forPush: true,
    });
    const artifact = await describeFiles({ ...optionsOf(input), subject });
    await upload({ named, artifact, tag: undefined, subject }, context);
  });
}

function optionsOf({ files, artifactType, annotation = [] }: FilesInput) {
  return { files, artifactType, annotations: annotation };
}

/**
 * A version, once published, means the same for everybody; other tags are there to move. The same files
 * pushed again are what is published.
 */
async function unlessPublished(
  { repository, text }: NamedArtifact,
  { tag, artifact, input, signal }: PushedArtifact,
): Promise<FileArtifact> {
  if (!isExactVersion(tag)) return artifact;
  const there = await repository.resolve(tag, { signal, forPush: true }).catch((error: unknown) => {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    throw error;
  });
  if (!there) return artifact;
  const { digest } = there;
  if (digest === artifact.manifest.descriptor.digest) return artifact;
  const published = await repository.fetchManifest(there, { signal, forPush: true });
  const same = asPublished(artifact, published, input.annotation ?? []);
  if (same) return same;
  throw new OciError('TAG_EXISTS', `${text} is published as ${digest}`, {
    hint: 'Push another version, or replace it with --force.',
  });
}

interface PushedArtifact {
  readonly tag: Tag;
  readonly artifact: FileArtifact;
  readonly input: FilesInput;
  readonly signal: AbortSignal;
}

interface Upload {
  readonly named: NamedArtifact;
  readonly artifact: FileArtifact;
  readonly tag: Tag | undefined;
  readonly subject: Descriptor | undefined;
}

async function upload({ named, artifact, tag, subject }: Upload, context: Context): Promise<void> {
  const { output, progress, signal } = context;
  await uploadFiles(named.repository, artifact, { tag, signal, onEvent: progress });
  const { digest, size } = artifact.manifest.descriptor;
  const { registry, repository } = named.reference;
  const reference = tag ? named.text : referenceText({ registry, repository, digest });
  output.print({
    json: {
      reference,
      digest,
      size,
      artifact_type: artifact.artifactType,
      subject: subject?.digest ?? null,
      files: artifact.files.map(fileJson),
    },
    text: fields([
      [subject ? 'attached' : 'pushed', reference],
      ...(subject ? [['to', `${named.text}, ${subject.digest}`] as const] : []),
      ['digest', digest],
      ['artifact type', artifact.artifactType],
      ...artifact.files.map(
        ({ path, descriptor }) => ['file', `${path}, ${sizeText(descriptor.size)}`] as const,
      ),
    ]),
    brief: digest,
  });
}
