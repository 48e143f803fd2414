import {
  type CallOptions,
  type Digest,
  OciError,
  type RepositoryName,
  type Tag,
  isOciError,
} from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import type {
  Content,
  ContentSource,
  ListedManifest,
  ListedTag,
  ReadManifest,
} from './repository-content.js';

/** A hosted repository to take from, while its server may run. */
export class HostedSource implements ContentSource {
  readonly #registry: HostedRegistry;
  readonly name: RepositoryName;

  constructor(registry: HostedRegistry, name: RepositoryName) {
    this.#registry = registry;
    this.name = name;
  }

  async *manifests(options: CallOptions = {}): AsyncGenerator<ListedManifest, void, undefined> {
    const { manifests, pulls } = this.#registry;
    for await (const { digest, pushedAt } of manifests.list(this.name, options))
      yield { digest, pushedAt, usage: await pulls.find(this.name, digest) };
  }

  tags(options: CallOptions = {}): AsyncIterable<Tag> {
    return this.#registry.manifests.tags(this.name, options);
  }

  async findTag(tag: Tag): Promise<ListedTag | undefined> {
    const record = await this.#registry.manifests.tagged(this.name, tag);
    return record && { tag, digest: record.digest, pushedAt: record.pushedAt };
  }

  async readManifest(digest: Digest): Promise<ReadManifest | undefined> {
    const { manifests, blobs } = this.#registry;
    const record = await manifests.recordOf(this.name, digest);
    if (!record) return undefined;
    try {
      const found = await manifests.find(this.name, { digest });
      if (found) return { manifest: await manifests.read(found), pushedAt: record.pushedAt };
    } catch (error) {
      if (!isOciError(error, 'MANIFEST_UNKNOWN')) throw error;
    }
    // A deletion takes the link and the content first, and the record last.
    if (await blobs.hasManifest(this.name, digest)) throw lost(digest);
    return undefined;
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    const { blobs } = this.#registry;
    const size = await blobs.size(this.name, digest);
    if (size !== undefined) return size;
    // One that was deleted is not there; one that the repository still has is damaged.
    if (await blobs.isLinked(this.name, digest)) throw lost(digest);
    return undefined;
  }

  async openBlob(
    { digest }: Content,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const blob = await this.#registry.blobs.open(this.name, digest, options);
    if (blob) return blob.body;
    throw lost(digest);
  }
}

function lost(digest: Digest): OciError {
  return new OciError('DIGEST_MISMATCH', `the bytes of ${digest} are damaged or gone`, {
    hint: 'Push them again.',
  });
}
