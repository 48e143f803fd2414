import {
  type Descriptor,
  type Digest,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isTag,
  registryPaths,
} from '@oci/spec-types';

import { hasBlob, pushBlob } from './blob-sink.js';
import { fetchBlob } from './blob-source.js';
import type { Endpoint, RemoteOptions } from './endpoint.js';
import { listEntries } from './listing.js';
import { pushManifest } from './manifest-sink.js';
import { fetchManifest, fetchTag, resolve } from './manifest-source.js';

/** A repository of a registry over HTTP; each ability is a file beside this one. */
export class RemoteRepository implements Repository {
  readonly #endpoint: Endpoint;

  /** Made by `Registry.repository`. */
  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  get name(): RepositoryName {
    return this.#endpoint.name;
  }

  resolve(tagOrDigest: Tag | Digest, options: RemoteOptions = {}): Promise<Descriptor> {
    return resolve(this.#endpoint, tagOrDigest, options);
  }

  fetchManifest(descriptor: Descriptor, options: RemoteOptions = {}): Promise<ResolvedManifest> {
    return fetchManifest(this.#endpoint, descriptor, options);
  }

  /** `resolve` and `fetchManifest` in one request. */
  fetchTag(tag: Tag, options: RemoteOptions = {}): Promise<ResolvedManifest> {
    return fetchTag(this.#endpoint, tag, options);
  }

  fetchBlob(
    descriptor: Descriptor,
    options: RemoteOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return fetchBlob(this.#endpoint, descriptor, options);
  }

  hasBlob(descriptor: Descriptor, options: RemoteOptions = {}): Promise<boolean> {
    return hasBlob(this.#endpoint, descriptor, options);
  }

  pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: RemoteOptions = {},
  ): Promise<void> {
    return pushBlob(this.#endpoint, { descriptor, body }, options);
  }

  pushManifest(
    manifest: ResolvedManifest,
    options: RemoteOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    return pushManifest(this.#endpoint, manifest, options);
  }

  async *listTags(options: RemoteOptions = {}): AsyncGenerator<Tag, void, undefined> {
    const { name } = this.#endpoint;
    const listing = {
      path: registryPaths.tags(name),
      member: 'tags',
      subject: { name, missing: 'NAME_UNKNOWN' },
    } as const;
    for await (const tag of listEntries(this.#endpoint, listing, options)) {
      if (isTag(tag)) yield tag;
      else
        options.onEvent?.({
          type: 'warning',
          message: `${name} lists ${JSON.stringify(tag.slice(0, 100))}, which is no tag`,
        });
    }
  }
}
