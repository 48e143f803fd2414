import {
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  childrenOf,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { HostedBlobs } from './blobs.js';
import { keys } from './keys.js';
import type { ManifestRecord } from './manifest-record.js';
import type { Records } from './records.js';

export interface ContentParts {
  readonly records: Records;
  readonly blobs: HostedBlobs;
  /** The digest of a record whose content is there. */
  readonly digestOf: (
    record: ManifestRecord | undefined,
  ) => Promise<ManifestRecord['digest'] | undefined>;
}

/** Checks of a layer or child at the same time. */
const atOnce = 8;

/** What a repository has to have for a manifest: what is fetched from elsewhere is not. */
export function neededContent(manifest: ResolvedManifest): readonly Descriptor[] {
  return childrenOf(manifest).filter(({ urls }) => !urls?.length);
}

/** The content that a manifest names which is being pushed. */
export class ManifestContent {
  readonly #parts: ContentParts;
  readonly #name: RepositoryName;
  readonly #manifest: ResolvedManifest;
  readonly #isSparse: boolean;

  constructor(
    parts: ContentParts,
    {
      name,
      manifest,
      isSparse,
    }: { name: RepositoryName; manifest: ResolvedManifest; isSparse: boolean },
  ) {
    this.#parts = parts;
    this.#name = name;
    this.#manifest = manifest;
    this.#isSparse = isSparse;
  }

  /**
   * Finds what the repository has to have, and takes back from a collection what that has condemned. A subject may be
   * missing (distribution-spec, "Pushing Manifests with Subject"); content may not.
   *
   * @throws OciError `BLOB_UNKNOWN`
   */
  async ensureThere(): Promise<void> {
    if (!this.#isSparse) await this.#refuseMissing();
    const optional = childrenOf(this.#manifest).filter(
      ({ urls }) => this.#isSparse || urls?.length,
    );
    const keep = async (each: Descriptor): Promise<void> => void (await this.#hasBlob(each));
    await forEachConcurrent(optional, keep, { limit: atOnce });
  }

  /** Keeps what an index lists from deletions in progress. @throws OciError `BLOB_UNKNOWN` */
  async keepChildren(): Promise<void> {
    if (this.#manifest.kind !== 'index') return;
    const needed = this.#manifest.document.manifests.filter(({ urls }) => !urls?.length);
    const keep = async ({ digest }: Descriptor): Promise<void> => {
      if (!(await this.#parts.blobs.keepManifest(this.#name, digest))) throw this.#missing(digest);
    };
    await forEachConcurrent(needed, keep, { limit: atOnce });
  }

  async #refuseMissing(): Promise<void> {
    const isIndex = this.#manifest.kind === 'index';
    const wanted = neededContent(this.#manifest);
    for (let at = 0; at < wanted.length; at += atOnce) {
      const batch = wanted.slice(at, at + atOnce);
      const isThere = await Promise.all(
        batch.map((each) => (isIndex ? this.#hasManifest(each) : this.#hasBlob(each))),
      );
      const missing = batch.find((_, index) => !isThere[index]);
      if (missing) throw this.#missing(missing.digest);
    }
  }

  async #hasBlob({ digest }: Descriptor): Promise<boolean> {
    return (await this.#parts.blobs.findToKeep(this.#name, digest)) !== undefined;
  }

  async #hasManifest({ digest }: Descriptor): Promise<boolean> {
    const { records, digestOf } = this.#parts;
    const record = await records.get<ManifestRecord>(keys.manifest(this.#name, digest));
    return (await digestOf(record)) !== undefined;
  }

  #missing(digest: Digest): OciError {
    return new OciError('BLOB_UNKNOWN', `${this.#name} does not have ${digest}`);
  }
}
