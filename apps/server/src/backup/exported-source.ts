import { join } from 'node:path';

import {
  type Digest,
  OciError,
  type RepositoryName,
  type Tag,
  maxManifestSize,
} from '@oci/spec-types';
import { verified, verifyManifest } from '@oci/spec-types/node';

import { chunksOf, openContained, readContained } from './contained-file.js';
import { exportPaths } from './export-format.js';
import { type ExportIndex, type IndexEntry, readIndex } from './export-index.js';
import type {
  Content,
  ContentSource,
  ListedManifest,
  ListedTag,
  ReadManifest,
} from './repository-content.js';

/**
 * A repository of an export to take from. It has what its list names and nothing else: the blobs of other repositories
 * are in the same directory.
 */
export class ExportedSource implements ContentSource {
  readonly #root: string;
  readonly #index: ExportIndex;
  readonly name: RepositoryName;

  private constructor(root: string, name: RepositoryName, index: ExportIndex) {
    this.#root = root;
    this.#index = index;
    this.name = name;
  }

  /** @throws OciError `DOCUMENT_INVALID`, `POLICY_REFUSED`, `STORAGE_…` */
  static async open(root: string, name: RepositoryName): Promise<ExportedSource> {
    const relative = `${exportPaths.layout(name)}/index.json`;
    const index = await readIndex(root, relative);
    if (index) return new ExportedSource(root, name, index);
    throw new OciError('DOCUMENT_INVALID', `${join(root, relative)} is missing`);
  }

  async *manifests(): AsyncGenerator<ListedManifest, void, undefined> {
    yield* this.#index.manifests.values();
  }

  async *tags(): AsyncGenerator<Tag, void, undefined> {
    yield* this.#index.tags.keys();
  }

  async findTag(tag: Tag): Promise<ListedTag | undefined> {
    const entry = this.#index.tags.get(tag);
    return entry && { tag, digest: entry.digest, pushedAt: entry.pushedAt };
  }

  async readManifest(digest: Digest): Promise<ReadManifest | undefined> {
    const entry = this.#index.manifests.get(digest);
    if (!entry) return undefined;
    const { pushedAt, missing } = entry;
    return { manifest: await this.#read(entry), pushedAt, missing };
  }

  async #read({ mediaType, digest, size }: IndexEntry): Promise<ReadManifest['manifest']> {
    const bytes = await readContained(this.#root, exportPaths.blob(digest), maxManifestSize);
    if (bytes) return verifyManifest(bytes, { mediaType, digest, size });
    throw lost(digest);
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    const opened = await openContained(this.#root, exportPaths.blob(digest));
    if (!opened) throw lost(digest);
    await opened.file.close();
    return opened.size;
  }

  async openBlob(content: Content): Promise<AsyncIterable<Uint8Array>> {
    const relative = exportPaths.blob(content.digest);
    const opened = await openContained(this.#root, relative);
    if (!opened) throw lost(content.digest);
    return verified(chunksOf(opened, join(this.#root, relative)), content);
  }
}

function lost(digest: Digest): OciError {
  return new OciError('BLOB_UNKNOWN', `the export lacks ${digest}`);
}
