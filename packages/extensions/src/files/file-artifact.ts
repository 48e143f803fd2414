import {
  type Annotations,
  type Descriptor,
  OciError,
  type ResolvedManifest,
  annotations,
  emptyDescriptor,
  isMediaType,
  mediaTypes,
} from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';
import { creationTime, describeManifest, isSameButCreated } from '@oci/spec-types/node';

import type { DescribedFile } from './file-input.js';

/** What the manifest of files says of them. */
export interface ArtifactDescription {
  /** Media type that says what it is. Default: `application/vnd.unknown.artifact.v1`. */
  readonly artifactType?: string | undefined;
  /**
   * Of the manifest. What is pushed by a tag also gets its creation time: now, or what `SOURCE_DATE_EPOCH` says. What is
   * attached gets none, so that the same attached again is the same referrer.
   */
  readonly annotations?: Annotations | undefined;
}

/** An artifact that is ready to be pushed. */
export interface FileArtifact {
  readonly manifest: ResolvedManifest;
  readonly files: readonly DescribedFile[];
  readonly artifactType: string;
}

const defaultArtifactType = 'application/vnd.unknown.artifact.v1';

/**
 * Describes files as an artifact (image-spec `manifest.md`, "Guidelines for Artifact Usage"): a layer for each, titled
 * with its path, and the empty config.
 */
export function artifactOf(
  files: readonly DescribedFile[],
  { artifactType = defaultArtifactType, annotations: own = {} }: ArtifactDescription,
  subject?: Descriptor,
): FileArtifact {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    artifactType,
    config: emptyDescriptor,
    layers: files.length > 0 ? files.map(({ descriptor }) => descriptor) : [emptyDescriptor],
    ...(subject && { subject: bare(subject) }),
    annotations: { ...(!subject && { [annotations.created]: creationTime() }), ...own },
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
  { annotations: own = {} }: ArtifactDescription,
): FileArtifact | undefined {
  if (Object.hasOwn(own, annotations.created) || !isSameButCreated(artifact.manifest, published))
    return undefined;
  return { ...artifact, manifest: published };
}

/** @throws OciError `USAGE` */
export function checkDescription({ artifactType, annotations: own }: ArtifactDescription): void {
  if (artifactType !== undefined && !isMediaType(artifactType))
    throw new OciError('USAGE', `${quoted(artifactType)} is no media type`, {
      hint: 'An artifact type looks like application/vnd.team.tool.v1.',
    });
  if (own === undefined) return;
  const isText = typeof own === 'object' && own !== null && !Array.isArray(own);
  if (!isText || Object.values(own).some((value) => typeof value !== 'string'))
    throw new OciError('USAGE', 'annotations are texts by their keys', {
      hint: "Give them as { 'team.example.key': 'value' }.",
    });
}

/** A subject is its type, digest and size alone. */
function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
