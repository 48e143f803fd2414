import { isExactVersion } from '@oci/manager';
import { type Descriptor, OciError, type Tag, isOciError } from '@oci/spec-types';

import {
  type FileArtifact,
  type FileArtifactOptions,
  asPublished,
  describeFiles,
} from '../artifact/file-artifact.js';
import { uploadFiles } from '../artifact/file-upload.js';
import { type WorkDirectory, withWorkDirectory } from '../artifact/work-directory.js';
import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { referenceText } from '../registry/named-artifact.js';
import { afterReplacing, forgetTag } from '../registry/replaced-tag.js';
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
    await withWorkDirectory('push', async (work) => {
      const described = await describeFiles(optionsOf(input, { ...context, work }));
      const published = await publishedAs(named, tag, context.signal);
      const artifact = input.force
        ? described
        : await unlessPublished(named, { published, artifact: described, input, ...context });
      const isSame = published?.digest === artifact.manifest.descriptor.digest;
      const replaced = isSame ? undefined : published?.digest;
      await upload({ named, artifact, tag, subject: undefined, replaced }, context);
    });
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
    const { repository } = named;
    const call = { signal, onEvent: progress, forPush: true };
    const resolved = await repository.resolve(named.tagOrDigest, call);
    // A length in an answer to HEAD is a hint, and the artifact says for ever what its subject is.
    const { descriptor: subject } = await repository.fetchManifest(resolved, call);
    await withWorkDirectory('attach', async (work) => {
      const options = optionsOf(input, { signal, work });
      const artifact = await describeFiles({ ...options, subject });
      await upload({ named, artifact, tag: undefined, subject }, context);
    });
  });
}

function optionsOf(
  { files, artifactType, annotation = [] }: FilesInput,
  { signal, work }: { readonly signal: AbortSignal; readonly work: WorkDirectory },
): FileArtifactOptions {
  return { files, artifactType, annotations: annotation, signal, work };
}

/** Returns the descriptor that a version has at the registry. Other tags are meant to move and are not looked up. */
async function publishedAs(
  { repository }: NamedArtifact,
  tag: Tag,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  if (!isExactVersion(tag)) return undefined;
  return repository.resolve(tag, { signal, forPush: true }).catch((error: unknown) => {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    throw error;
  });
}

/** A version, once published, means the same for everybody. The same files pushed again are what is published. */
async function unlessPublished(
  { repository, text }: NamedArtifact,
  { published, artifact, input, signal }: Publication,
): Promise<FileArtifact> {
  if (!published || published.digest === artifact.manifest.descriptor.digest) return artifact;
  const there = await repository.fetchManifest(published, { signal, forPush: true });
  const same = asPublished(artifact, there, input.annotation ?? []);
  if (same) return same;
  throw new OciError('TAG_EXISTS', `${text} is published as ${published.digest}`, {
    hint: 'Push another version, or replace it with --force.',
  });
}

interface Publication {
  readonly published: Descriptor | undefined;
  readonly artifact: FileArtifact;
  readonly input: FilesInput;
  readonly signal: AbortSignal;
}

interface Upload {
  readonly named: NamedArtifact;
  readonly artifact: FileArtifact;
  readonly tag: Tag | undefined;
  readonly subject: Descriptor | undefined;
  /** The manifest that the tag points to before. */
  readonly replaced?: Descriptor['digest'] | undefined;
}

async function upload(
  { named, artifact, tag, subject, replaced }: Upload,
  context: Context,
): Promise<void> {
  const { output, progress, signal } = context;
  await uploadFiles(named.repository, artifact, { tag, signal, onEvent: progress });
  if (replaced) await afterReplacing(named.reference, context);
  const { digest, size } = artifact.manifest.descriptor;
  const { registry, repository } = named.reference;
  if (tag && !replaced) await forgetTag({ registry, repository, tag, digest }, context);
  const reference = tag ? named.text : referenceText({ registry, repository, digest });
  output.print({
    json: {
      reference,
      digest,
      size,
      manifest_digest: digest,
      artifact_type: artifact.artifactType,
      subject: subject?.digest ?? null,
      replaced: replaced ?? null,
      files: artifact.files.map(fileJson),
    },
    text: fields([
      [subject ? 'attached' : 'pushed', reference],
      ...(subject ? [['to', `${named.text}, ${subject.digest}`] as const] : []),
      ['manifest', digest],
      ['artifact type', artifact.artifactType],
      ...artifact.files.map(
        ({ path, descriptor }) => ['file', `${path}, ${sizeText(descriptor.size)}`] as const,
      ),
    ]),
    brief: digest,
  });
}
