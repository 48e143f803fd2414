import type { ArtifactSource } from '@oci/manager';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReferrerLister,
  type RegistryHost,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isDigest,
  throwIfAborted,
} from '@oci/spec-types';
import type { ManifestReference } from '@oci/spec-types/registry-api';
import { verified } from '@oci/spec-types/node';

import type { HostedRegistry } from './hosted-registry.js';
import type { FoundManifest } from './manifests.js';

/** A hosted repository without HTTP, by the contract that all repositories fulfil. */
export class HostedRepository implements Repository, ReferrerLister {
  readonly #registry: HostedRegistry;
  readonly name: RepositoryName;

  constructor(registry: HostedRegistry, name: RepositoryName) {
    this.#registry = registry;
    this.name = name;
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    return (await this.#find(referenceOf(tagOrDigest), options)).descriptor;
  }

  async fetch(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ResolvedManifest> {
    return this.#registry.manifests.read(await this.#find(referenceOf(tagOrDigest), options));
  }

  async fetchManifest(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<ResolvedManifest> {
    const { digest } = descriptor;
    const found = await this.#find({ digest }, options);
    const { mediaType } = found.descriptor;
    return this.#registry.manifests.read({ ...found, descriptor: { ...descriptor, mediaType } });
  }

  async fetchBlob(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const blob = await this.#registry.blobs.open(this.name, descriptor.digest, options);
    if (blob) return verified(blob.body, descriptor);
    throw new OciError('BLOB_UNKNOWN', `${this.name} has no ${descriptor.digest}`);
  }

  async hasBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    return (await this.#registry.blobs.size(this.name, descriptor.digest)) !== undefined;
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#registry.blobs.put(this.name, { descriptor, body }, options);
  }

  async pushManifest(
    manifest: ResolvedManifest,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const tags = options.tag ? [options.tag] : [];
    await this.#registry.manifests.put(this.name, manifest, { tags });
    return manifest.descriptor;
  }

  async *listTags(options: CallOptions = {}): AsyncGenerator<Tag, void, undefined> {
    throwIfAborted(options.signal);
    if (!(await this.#registry.hasRepository(this.name)))
      throw new OciError('NAME_UNKNOWN', `there is no repository ${this.name}`);
    yield* this.#registry.manifests.tags(this.name);
  }

  async *listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { artifactType, signal } = options;
    for await (const referrer of this.#registry.manifests.referrers(this.name, subject.digest)) {
      throwIfAborted(signal);
      if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
    }
  }

  async #find(reference: ManifestReference, { signal }: CallOptions): Promise<FoundManifest> {
    throwIfAborted(signal);
    const found = await this.#registry.manifests.find(this.name, reference);
    if (found) return found;
    const named = 'tag' in reference ? reference.tag : reference.digest;
    throw new OciError('MANIFEST_UNKNOWN', `${this.name} has no ${named}`);
  }
}

function referenceOf(tagOrDigest: Tag | Digest): ManifestReference {
  return isDigest(tagOrDigest) ? { digest: tagOrDigest } : { tag: tagOrDigest };
}

/** The hosted repositories as a manager reads them: in process, and by the name that clients know them by. */
export function hostedSource(registry: HostedRegistry, host: RegistryHost): ArtifactSource {
  return {
    host,
    isInProcess: true,
    repository: (name) => new HostedRepository(registry, name),
    listRepositories: () => registry.listRepositories(),
  };
}
