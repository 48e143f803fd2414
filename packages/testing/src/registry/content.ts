import { randomUUID } from 'node:crypto';

import type { Digest, RepositoryName, Tag } from '@oci/spec-types';

export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

/** What one repository holds; tests may alter it behind the registry's back. */
export interface RepositoryContent {
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<Tag, Digest>;
  readonly blobs: Map<Digest, Uint8Array>;
}

/** An upload session. */
export interface Upload {
  readonly id: string;
  readonly name: RepositoryName;
  bytes: Uint8Array;
  /** Part of the location; another after each answer, so that old locations are noticed. */
  state: string;
}

/** All that the registry knows, in memory. */
export class RegistryContent {
  readonly repositories: Map<RepositoryName, RepositoryContent> = new Map();
  readonly uploads: Map<string, Upload> = new Map();

  find(name: RepositoryName): RepositoryContent | undefined {
    return this.repositories.get(name);
  }

  /** The repository, which exists from now on. */
  open(name: RepositoryName): RepositoryContent {
    const known = this.repositories.get(name);
    if (known) return known;
    const repository = { manifests: new Map(), tags: new Map(), blobs: new Map() };
    this.repositories.set(name, repository);
    return repository;
  }

  beginUpload(name: RepositoryName): Upload {
    const upload = { id: randomUUID(), name, bytes: new Uint8Array(), state: randomUUID() };
    this.uploads.set(upload.id, upload);
    return upload;
  }

  /** Replaces the bytes that are kept under a digest, in every repository. */
  corrupt(digest: Digest, change: (bytes: Uint8Array) => Uint8Array): void {
    for (const { blobs, manifests } of this.repositories.values()) {
      const blob = blobs.get(digest);
      if (blob) blobs.set(digest, change(blob.slice()));
      const manifest = manifests.get(digest);
      if (manifest) manifests.set(digest, { ...manifest, bytes: change(manifest.bytes.slice()) });
    }
  }
}
