import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type Repository,
  type ResolvedManifest,
  type Tag,
  asOciError,
  verifiableAlgorithm,
} from '@oci/spec-types';
import { verified, verifyManifest } from '@oci/spec-types/node';

import { collect, inChunks } from '../bytes.js';
import { repositoryContract } from './repository-contract.js';

/** The least that keeps the contract: a repository of three maps. */
class MemoryRepository implements Repository {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, ResolvedManifest>();
  readonly #tags = new Map<Tag, Digest>();

  async resolve(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<Descriptor> {
    check(options);
    return this.#find(this.#tags.get(tagOrDigest as Tag) ?? tagOrDigest).descriptor;
  }

  async fetchManifest(descriptor: Descriptor, options?: CallOptions): Promise<ResolvedManifest> {
    check(options);
    return verifyManifest(this.#find(descriptor.digest).bytes, descriptor);
  }

  async fetchBlob(
    descriptor: Descriptor,
    options?: CallOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    check(options);
    const bytes = this.#blobs.get(descriptor.digest);
    if (!bytes) throw new OciError('BLOB_UNKNOWN', 'no such blob');
    return verified(abortable(inChunks(bytes, 65_536), options), descriptor);
  }

  async hasBlob(descriptor: Descriptor, options?: CallOptions): Promise<boolean> {
    check(options);
    return this.#blobs.has(descriptor.digest);
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<void> {
    verifiableAlgorithm(descriptor.digest);
    check(options);
    const bytes = await collect(verified(abortable(body, options), descriptor));
    this.#blobs.set(descriptor.digest, bytes);
  }

  async pushManifest(
    manifest: ResolvedManifest,
    options?: CallOptions & { readonly tag?: Tag | undefined },
  ): Promise<Descriptor> {
    check(options);
    this.#manifests.set(manifest.descriptor.digest, manifest);
    if (options?.tag) this.#tags.set(options.tag, manifest.descriptor.digest);
    return manifest.descriptor;
  }

  async *listTags(options?: CallOptions): AsyncGenerator<Tag, void, undefined> {
    check(options);
    yield* this.#tags.keys();
  }

  #find(digest: string): ResolvedManifest {
    const manifest = this.#manifests.get(digest);
    if (!manifest) throw new OciError('MANIFEST_UNKNOWN', 'no such manifest');
    return manifest;
  }
}

function check(options: CallOptions | undefined): void {
  if (options?.signal?.aborted) throw asOciError(options.signal.reason);
}

async function* abortable(
  body: AsyncIterable<Uint8Array>,
  options: CallOptions | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    check(options);
    yield chunk;
  }
}

repositoryContract('a repository of three maps', async () => ({
  repository: new MemoryRepository(),
  close: async () => {},
}));
