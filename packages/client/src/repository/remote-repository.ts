import {
  type BlobDownloader,
  type BlobMounter,
  type Descriptor,
  type Digest,
  type Located,
  type ManifestDeleter,
  type ReferrerLister,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  type TagDeleter,
  type VerifiedFile,
  isTag,
  registryPaths,
} from '@oci/spec-types';

import { type OperationTrace, tracedItems, tracedOperation } from '../diagnostics.js';
import { downloadBlob } from '../download/download.js';
import type { UploadContent } from '../upload/blob-body.js';
import type { UploadOptions } from '../upload/upload-options.js';
import { hasBlob, pushBlob } from './blob-sink.js';
import { fetchBlob } from './blob-source.js';
import { deleteBlob, deleteManifest, deleteTag } from './deletion.js';
import { type Endpoint, type RemoteOptions, read } from './endpoint.js';
import { listEntries } from './listing.js';
import { type PushManifestOptions, pushManifest } from './manifest-sink.js';
import { fetchManifest, fetchTag, resolve } from './manifest-source.js';
import { mountBlob } from './mount.js';
import { type ReferrersOptions, listReferrers } from './referrers.js';

/** A repository of a registry over HTTP; each ability is a file beside this one. */
export class RemoteRepository
  implements
    Repository,
    BlobDownloader,
    BlobMounter,
    Located,
    ManifestDeleter,
    ReferrerLister,
    TagDeleter
{
  readonly #endpoint: Endpoint;

  /** Made by `Registry.repository`. */
  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  get name(): RepositoryName {
    return this.#endpoint.name;
  }

  get origin(): string {
    return this.#endpoint.origin.origin;
  }

  resolve(tagOrDigest: Tag | Digest, options: RemoteOptions = {}): Promise<Descriptor> {
    return this.#traced('resolve', tagOrDigest, () =>
      read(this.#endpoint, options, (call) => resolve(this.#endpoint, tagOrDigest, call)),
    );
  }

  fetchManifest(descriptor: Descriptor, options: RemoteOptions = {}): Promise<ResolvedManifest> {
    return this.#traced('fetchManifest', descriptor.digest, () =>
      read(this.#endpoint, options, (call) => fetchManifest(this.#endpoint, descriptor, call)),
    );
  }

  /** `resolve` and `fetchManifest` in one request. */
  fetchTag(tag: Tag, options: RemoteOptions = {}): Promise<ResolvedManifest> {
    return this.#traced('fetchTag', tag, () =>
      read(this.#endpoint, options, (call) => fetchTag(this.#endpoint, tag, call)),
    );
  }

  fetchBlob(
    descriptor: Descriptor,
    options: RemoteOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.#traced('fetchBlob', descriptor.digest, () =>
      read(this.#endpoint, options, (call) => fetchBlob(this.#endpoint, descriptor, call)),
    );
  }

  /** {@link BlobDownloader}: a large blob in parallel ranges, going on from what is at `path`. */
  downloadBlob(
    descriptor: Descriptor,
    path: string,
    options: RemoteOptions = {},
  ): Promise<VerifiedFile> {
    return this.#traced('downloadBlob', descriptor.digest, () =>
      read(this.#endpoint, options, (call) =>
        downloadBlob(this.#endpoint, { blob: descriptor, path }, call),
      ),
    );
  }

  hasBlob(descriptor: Descriptor, options: RemoteOptions = {}): Promise<boolean> {
    return this.#traced('hasBlob', descriptor.digest, () =>
      hasBlob(this.#endpoint, descriptor, options),
    );
  }

  pushBlob(
    descriptor: Descriptor,
    body: UploadContent,
    options: UploadOptions = {},
  ): Promise<void> {
    return this.#traced('pushBlob', descriptor.digest, () =>
      pushBlob(this.#endpoint, { descriptor, body }, options),
    );
  }

  /** Takes a blob from another repository of the registry; false when it has to be uploaded. */
  mountBlob(
    descriptor: Descriptor,
    from: RepositoryName | undefined,
    options: RemoteOptions = {},
  ): Promise<boolean> {
    return this.#traced('mountBlob', descriptor.digest, () =>
      mountBlob(this.#endpoint, { descriptor, from }, options),
    );
  }

  pushManifest(manifest: ResolvedManifest, options: PushManifestOptions = {}): Promise<void> {
    return this.#traced('pushManifest', options.tag ?? manifest.descriptor.digest, () =>
      pushManifest(this.#endpoint, manifest, options),
    );
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` */
  deleteManifest(descriptor: Descriptor, options: RemoteOptions = {}): Promise<void> {
    return this.#traced('deleteManifest', descriptor.digest, () =>
      deleteManifest(this.#endpoint, descriptor, options),
    );
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where only manifests can be deleted */
  deleteTag(tag: Tag, options: RemoteOptions = {}): Promise<void> {
    return this.#traced('deleteTag', tag, () => deleteTag(this.#endpoint, tag, options));
  }

  /** What manifests name is missing then. @throws OciError `BLOB_UNKNOWN`, `UNSUPPORTED` */
  deleteBlob(descriptor: Descriptor, options: RemoteOptions = {}): Promise<void> {
    return this.#traced('deleteBlob', descriptor.digest, () =>
      deleteBlob(this.#endpoint, descriptor, options),
    );
  }

  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const items = listReferrers(this.#endpoint, subject.digest, options);
    return tracedItems(this.#traceOf('listReferrers', subject.digest), items);
  }

  listTags(options: RemoteOptions = {}): AsyncGenerator<Tag, void, undefined> {
    return tracedItems(this.#traceOf('listTags'), this.#tags(options));
  }

  #traceOf(operation: string, reference?: string): OperationTrace {
    const { name: repository, origin: registry } = this;
    return { operation, registry, repository, ...(reference !== undefined && { reference }) };
  }

  #traced<R>(operation: string, reference: string, work: () => Promise<R>): Promise<R> {
    return tracedOperation(this.#traceOf(operation, reference), work);
  }

  async *#tags(options: RemoteOptions): AsyncGenerator<Tag, void, undefined> {
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
