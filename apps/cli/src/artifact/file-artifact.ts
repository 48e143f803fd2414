import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';

import { packDirectory } from '@oci/extensions';
import {
  type Annotations,
  type Descriptor,
  OciError,
  type ResolvedManifest,
  annotations,
  emptyDescriptor,
  isMediaType,
  mediaTypes,
  parseDigest,
} from '@oci/spec-types';
import { unlessMissing } from '@oci/files';
import { creationTime, describeManifest, isSameButCreated } from '@oci/spec-types/node';

import type { WorkDirectory } from './work-directory.js';

/** A file or directory that is going to be a layer. */
export interface SourceFile {
  readonly descriptor: Descriptor;
  /** As named; absolute. */
  readonly path: string;
  /** The file with the layer's bytes: the file itself, or the archive that a directory was packed to. */
  readonly contentPath: string;
}

export interface FileArtifact {
  readonly manifest: ResolvedManifest;
  readonly files: readonly SourceFile[];
  readonly artifactType: string;
}

export interface FileArtifactOptions {
  /** `PATH[:MEDIA_TYPE]`, as oras has it. */
  readonly files: readonly string[];
  readonly artifactType: string | undefined;
  /** `KEY=VALUE`. */
  readonly annotations: readonly string[];
  readonly subject?: Descriptor | undefined;
  /** Holds the archives of directories, until they are pushed. */
  readonly work: WorkDirectory;
  readonly signal: AbortSignal;
}

const defaultFileType = 'application/octet-stream';
const defaultArtifactType = 'application/vnd.unknown.artifact.v1';

/**
 * Describes files and directories as an artifact (image-spec `manifest.md`, "Guidelines for Artifact Usage"): a layer
 * for each, titled with its path, and the empty config.
 *
 * @throws OciError `USAGE`, `STORAGE_…`, and for directories as `packDirectory`
 */
export async function describeFiles(options: FileArtifactOptions): Promise<FileArtifact> {
  const files: SourceFile[] = [];
  for (const file of options.files) files.push(await describeFile(file, options));
  const { artifactType = defaultArtifactType, subject } = options;
  if (!isMediaType(artifactType)) throw usage(`${artifactType} is no media type`);
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType,
    config: emptyDescriptor,
    layers: files.length > 0 ? files.map(({ descriptor }) => descriptor) : [emptyDescriptor],
    ...(subject && { subject: bare(subject) }),
    annotations: { [annotations.created]: creationTime(), ...readAnnotations(options.annotations) },
  };
  const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
  return { manifest, files, artifactType };
}

/**
 * Returns the artifact as it was published at another time, when only its creation time differs. An artifact whose
 * creation time was asked for is that one alone.
 */
export function asPublished(
  artifact: FileArtifact,
  published: ResolvedManifest,
  asked: readonly string[],
): FileArtifact | undefined {
  const isFixed = asked.some((pair) => pair.startsWith(`${annotations.created}=`));
  if (isFixed || !isSameButCreated(artifact.manifest, published)) return undefined;
  return { ...artifact, manifest: published };
}

async function describeFile(text: string, context: PackContext): Promise<SourceFile> {
  const { path, mediaType } = split(text);
  const absolute = resolve(path);
  const found = await stat(absolute).catch(unlessMissing);
  if (!found) throw usage(`there is no file ${path}`, 'Name files as PATH or PATH:MEDIA_TYPE.');
  const title = titleOf(path);
  if (found.isDirectory()) return describeDirectory(absolute, { title, mediaType }, context);
  if (!found.isFile()) {
    throw usage(`${path} is neither a file nor a directory`, 'Name a file or a directory.');
  }
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(absolute, { highWaterMark: 1024 * 1024 })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).byteLength;
  }
  const digest = parseDigest(`sha256:${hash.digest('hex')}`);
  const titled = { [annotations.title]: title };
  return {
    path: absolute,
    contentPath: absolute,
    descriptor: { mediaType: mediaType ?? defaultFileType, digest, size, annotations: titled },
  };
}

type PackContext = Pick<FileArtifactOptions, 'work' | 'signal'>;

async function describeDirectory(
  path: string,
  form: { readonly title: string; readonly mediaType: string | undefined },
  { work, signal }: PackContext,
): Promise<SourceFile> {
  const contentPath = join(await work(), randomUUID());
  const archive = { ...form, archivePath: contentPath };
  return { path, contentPath, descriptor: await packDirectory(path, archive, { signal }) };
}

/** A path that leads out of the working directory would not be let in again: only its name is kept. */
function titleOf(path: string): string {
  const inside = relative(process.cwd(), resolve(path));
  const isOutside = isAbsolute(path) || inside === '' || inside.split(sep)[0] === '..';
  return isOutside ? basename(resolve(path)) : inside.split(sep).join('/');
}

function split(text: string): { path: string; mediaType: string | undefined } {
  const colon = text.lastIndexOf(':');
  const mediaType = text.slice(colon + 1);
  return colon > 0 && isMediaType(mediaType)
    ? { path: text.slice(0, colon), mediaType }
    : { path: text, mediaType: undefined };
}

function readAnnotations(pairs: readonly string[]): Annotations {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) throw usage(`${pair} is no annotation`, 'It looks like key=value.');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** A subject is its type, digest and size alone. */
function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function usage(message: string, hint?: string): OciError {
  return new OciError('USAGE', message, { hint });
}
