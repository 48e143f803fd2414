import { withTemporaryDirectory } from '@oci/files';
import {
  BlobProgress,
  type CallOptions,
  type Descriptor,
  OciError,
  type Repository,
  type ResolvedManifest,
  type Tag,
  emptyDescriptor,
  parseTag,
  singleChunk,
  withoutProgress,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { parseName } from './artifact-files.js';
import {
  type ArtifactDescription,
  type FileArtifact,
  artifactOf,
  checkDescription,
} from './file-artifact.js';
import {
  type DescribedFile,
  type FileInput,
  type SourceFile,
  describeInput,
} from './file-input.js';
import { PushedFile } from './pushed-file.js';
import { PublishedTags, type ReplacedTag } from './published-tags.js';

/** How files are pushed. */
export interface PushedContentOptions extends ArtifactDescription, CallOptions {
  /** Directory that relative paths, and so titles, are relative to. Default: the working directory. */
  readonly base?: string | undefined;
}

export interface PushFilesOptions extends PushedContentOptions {
  /** What the artifact is called; without any it is known by its digest. */
  readonly tags?: readonly string[] | undefined;
  /** Replaces a version that is published with other content. Other tags always move. Default false. */
  readonly force?: boolean | undefined;
}

export interface PushedFiles {
  readonly manifest: ResolvedManifest;
  readonly artifactType: string;
  readonly files: readonly SourceFile[];
  /** What it was attached to. */
  readonly subject: Descriptor | undefined;
  /** Versions that were replaced by force. */
  readonly replaced: readonly ReplacedTag[];
}

/** A registry's own limits hold besides: most files wait for an answer, and few send at once. */
const uploadsAtOnce = 32;

/**
 * Pushes files and directories as an artifact: a layer for each, titled with its path; a directory as the gzip tar
 * that `pullFiles` and `oras pull` unpack. The same files make the same layers, and pushed again as the same version
 * they stay what is published. Without files an artifactType or annotations are needed.
 *
 * @throws OciError `USAGE`, `TAG_EXISTS` for a version with other content, `LIMIT_EXCEEDED` and `STORAGE_…` for files, and
 * what the repository fails with
 */
export async function pushFiles(
  repository: Repository,
  files: readonly FileInput[],
  options: PushFilesOptions = {},
): Promise<PushedFiles> {
  checkInputs(files, options, 'push');
  const { signal, onEvent, force = false } = options;
  const tags = (options.tags ?? []).map(parseTag);
  return withArtifact(files, options, async (described) => {
    const published = new PublishedTags(repository, { signal, onEvent });
    const { artifact, replaced } = await published.settle(described, { ...options, tags, force });
    await upload(repository, artifact, { tags, signal, onEvent });
    return { ...artifact, files: artifact.files.map(named), subject: undefined, replaced };
  });
}

/**
 * Pushes files and directories as a referrer of an artifact: an SBOM, a report, or only annotations. The same attached
 * again is the same referrer.
 *
 * @param subject tag or digest of what they are attached to
 * @throws OciError `USAGE` when there is nothing to attach, `MANIFEST_UNKNOWN`, and as `pushFiles`
 */
export async function attachFiles(
  repository: Repository,
  subject: string,
  files: readonly FileInput[],
  options: PushedContentOptions = {},
): Promise<PushedFiles> {
  checkInputs(files, options, 'attach');
  const { signal, onEvent } = options;
  const name = parseName(subject);
  const call = { signal, onEvent, forPush: true };
  // A length in an answer to HEAD is a hint, and the artifact says for ever what its subject is.
  const resolved = await repository.resolve(name, call);
  const { descriptor } = await repository.fetchManifest(resolved, call);
  const attach = async (artifact: FileArtifact): Promise<PushedFiles> => {
    await upload(repository, artifact, { tags: [], signal, onEvent });
    return { ...artifact, files: artifact.files.map(named), subject: descriptor, replaced: [] };
  };
  return withArtifact(files, { ...options, subject: descriptor }, attach);
}

function named({ descriptor, path, contentPath }: DescribedFile): SourceFile {
  return { descriptor, path, contentPath };
}

function checkInputs(
  files: readonly FileInput[],
  options: PushFilesOptions,
  verb: 'push' | 'attach',
): void {
  if (!Array.isArray(files))
    throw new OciError('USAGE', 'files are pushed as a list of their paths', {
      hint: "Give them as ['tool.tar.gz', { path, title, mediaType }].",
    });
  if (options.tags !== undefined && !Array.isArray(options.tags))
    throw new OciError('USAGE', 'tags are a list', { hint: "Give them as ['1.0.0', 'latest']." });
  checkDescription(options);
  const { artifactType, annotations = {} } = options;
  if (files.length === 0 && artifactType === undefined && Object.keys(annotations).length === 0)
    throw new OciError('USAGE', `there is nothing to ${verb}`, {
      hint: 'Name files, or at least an artifactType or annotations.',
      reason: { kind: 'attachment-empty' },
    });
}

/** Works with described files, and with the archives of directories for that long. */
async function withArtifact<T>(
  inputs: readonly FileInput[],
  options: PushedContentOptions & { readonly subject?: Descriptor },
  work: (artifact: FileArtifact) => Promise<T>,
): Promise<T> {
  const { base = process.cwd(), signal, subject } = options;
  return withTemporaryDirectory('oci-push-', async (path) => {
    const files: DescribedFile[] = [];
    for (const input of inputs)
      files.push(await describeInput(input, { base, work: path, signal }));
    return work(artifactOf(files, options, subject));
  });
}

type Upload = (signal: AbortSignal) => Promise<void>;

/** Pushes the files, their manifest when they are all there, and the tags last. */
async function upload(
  target: Repository,
  { files, manifest }: FileArtifact,
  { tags, ...call }: CallOptions & { readonly tags: readonly Tag[] },
): Promise<void> {
  const notices = { ...call, onEvent: withoutProgress(call.onEvent) };
  const pushEmpty: Upload = (signal) =>
    target.pushBlob(emptyDescriptor, singleChunk(Buffer.from('{}')), { ...notices, signal });
  const distinct = new Map(files.map((file) => [file.descriptor.digest, file]));
  const uploads = [...distinct.values()].map<Upload>(
    (file) => (signal) => uploadFile(target, file, { ...call, signal }),
  );
  await forEachConcurrent([pushEmpty, ...uploads], (send, signal) => send(signal), {
    limit: uploadsAtOnce,
    signal: call.signal,
  });
  if (tags.length === 0) await target.pushManifest(manifest, notices);
  for (const tag of tags) await target.pushManifest(manifest, { ...notices, tag });
}

async function uploadFile(
  target: Repository,
  file: DescribedFile,
  { signal, onEvent }: CallOptions,
): Promise<void> {
  const { descriptor } = file;
  const { digest, size } = descriptor;
  if (await target.hasBlob(descriptor, { signal })) {
    onEvent?.({ type: 'cached', digest, size });
    return;
  }
  const progress = new BlobProgress(descriptor, onEvent);
  progress.start();
  const body = await PushedFile.open(file, progress);
  const push = { signal, onEvent: progress.below(), assumeMissing: true };
  await target.pushBlob(descriptor, body, push);
  progress.done();
}
