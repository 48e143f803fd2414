import type { Annotations, Descriptor, Digest, ResolvedManifest } from '@oci/spec-types';

import type { FoundManifest } from './manifest-lookup.js';

/** A manifest as the guide shows it, with what it was verified against. */
export interface ManifestInfo {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes of the manifest itself. */
  readonly size: number;
  readonly artifactType?: string;
  readonly config?: Descriptor;
  /** Empty for an index. */
  readonly layers: readonly Descriptor[];
  /** Of an index; empty for an image. */
  readonly manifests: readonly Descriptor[];
  readonly annotations: Annotations;
  /** Whether the registry was not asked for it. */
  readonly fromCache: boolean;
  /** The bytes as published, and the whole document. */
  readonly resolved: ResolvedManifest;
}

export function describe({ manifest, fromCache }: FoundManifest): ManifestInfo {
  const { document, descriptor } = manifest;
  return {
    schemaVersion: 2,
    mediaType: manifest.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(document.artifactType !== undefined && { artifactType: document.artifactType }),
    ...(manifest.kind === 'image' &&
      manifest.document.config && { config: manifest.document.config }),
    layers: manifest.kind === 'image' ? manifest.document.layers : [],
    manifests: manifest.kind === 'index' ? manifest.document.manifests : [],
    annotations: document.annotations ?? {},
    fromCache,
    resolved: manifest,
  };
}
