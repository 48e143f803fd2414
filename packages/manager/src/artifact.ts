import type { ListedTag } from '@oci/cache';
import {
  type Digest,
  type ResolvedManifest,
  type Tag,
  annotations,
  totalSize,
  versionOfTag,
} from '@oci/spec-types';

import { compareVersions } from './version-order.js';

/** One version of an artifact, as a listing shows it. */
export interface Artifact {
  /** Below the namespace. */
  readonly name: string;
  readonly version: string;
  /** Of the manifest. */
  readonly digest: Digest;
  /** Bytes of all layers. */
  readonly size: number;
  /** Of the manifest. */
  readonly mediaType: string;
  /** RFC 3339; null when the publisher did not say. */
  readonly createdAt: string | null;
}

/** RFC 3339, section 5.6. */
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Returns what a listing shows of a tag. */
export function artifactOf(name: string, tag: Tag, listed: ListedTag): Artifact {
  const { digest, size, mediaType, createdAt } = listed;
  return { name, version: versionOfTag(tag), digest, size, mediaType, createdAt };
}

/** Returns what a listing notes of a tag that points to a manifest now. */
export function listedTag(manifest: ResolvedManifest): ListedTag {
  const layers = manifest.kind === 'image' ? manifest.document.layers : manifest.document.manifests;
  return {
    digest: manifest.descriptor.digest,
    size: totalSize(layers),
    mediaType: manifest.mediaType,
    createdAt: timeOf(manifest.document.annotations?.[annotations.created]),
    resolvedAt: Date.now(),
  };
}

/** Whatever a publisher wrote is kept for every version, so that only a time counts as one. */
function timeOf(text: string | undefined): string | null {
  return text !== undefined && rfc3339.test(text) ? text : null;
}

export function byNameAndVersion(a: Artifact, b: Artifact): number {
  return a.name === b.name ? compareVersions(a.version, b.version) : a.name < b.name ? -1 : 1;
}
