import type { ArtifactJson, PullJson } from '@oci/spec-types/api';

import type { Artifact } from './artifact.js';
import type { PulledArtifact } from './pulled-artifact.js';

/** The guide's JSON of a listed artifact. */
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

/** What a pull prints in JSON. */
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
