import type { Artifact } from './artifact.js';
import type { PulledArtifact } from './pulled-artifact.js';

/** The guide's JSON of a listed artifact, as programs print and serve it. */
export interface ArtifactJson {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  /** Bytes of all layers. */
  readonly size: number;
  /** Of the manifest. */
  readonly media_type: string;
  /** RFC 3339; null when the publisher did not say. */
  readonly created_at: string | null;
}

/** The JSON of a pull. */
export interface PullJson {
  readonly path: string;
  readonly reference: string;
  /** The same as `content_digest`. */
  readonly digest: string;
  /** Of the manifest that the reference points to. */
  readonly manifest_digest: string;
  /** Of the content layer, as published. */
  readonly content_digest: string;
  readonly size: number;
  readonly media_type: string;
  readonly from_cache: boolean;
}

export function artifactJson(artifact: Artifact): ArtifactJson {
  return {
    name: artifact.name,
    version: artifact.version,
    digest: artifact.digest,
    size: artifact.size,
    media_type: artifact.mediaType,
    created_at: artifact.createdAt,
  };
}

export function pullJson(pulled: PulledArtifact): PullJson {
  return {
    path: pulled.path,
    reference: pulled.reference,
    digest: pulled.digest,
    manifest_digest: pulled.manifestDigest,
    content_digest: pulled.digest,
    size: pulled.size,
    media_type: pulled.mediaType,
    from_cache: pulled.fromCache,
  };
}
