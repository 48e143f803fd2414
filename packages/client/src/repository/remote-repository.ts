import {
  type CallOptions,
  type BlobDownloader,
  type BlobMounter,
  type Descriptor,
  type Digest,
  type Located,
  type ManifestDeleter,
  type Mirrored,
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
import type { UploadContent } from '../upload/blob-body.js';
import type { UploadOptions } from '../upload/upload-options.js';
import type * as Abilities from './abilities.js';
import type { Endpoint } from './endpoint.js';
import type { ListOptions } from './listing.js';
import type { PushManifestOptions } from './manifest-sink.js';
import type { ReferrersOptions } from './referrers.js';

/** What a call works with, loaded and made ready by the first. */
interface Work {
  readonly endpoint: Endpoint;
  readonly abilities: typeof Abilities;
}

/** A repository of a registry over HTTP; each ability is a file beside this one. */
export class RemoteRepository
  implements
    Repository,
    BlobDownloader,
    BlobMounter,
    Located,
    ManifestDeleter,
    Mirrored<RemoteRepository>,
    ReferrerLister,
    TagDeleter
{
  readonly name: RepositoryName;
  readonly #origin: URL;
  readonly #reach: () => Promise<Endpoint>;

  /** Made by `Registry.repository`. */
  constructor(name: RepositoryName, origin: URL, reach: () => Promise<Endpoint>) {
    this.name = name;
    this.#origin = origin;
    this.#reach = reach;
  }

  get origin(): string {
    return this.#origin.origin;
  }

  /** {@link Mirrored} */
  withoutMirrors(): RemoteRepository {
    const reach = async (): Promise<Endpoint> => ({ ...(await this.#reach()), asksMirrors: false });
    return new RemoteRepository(this.name, this.#origin, reach);
  }

  resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    return this.#read(this.#traceOf('resolve', tagOrDigest), options, ({ abilities, endpoint }) =>
      abilities.resolve(endpoint, tagOrDigest, options),
    );
  }

  fetchManifest(descriptor: Descriptor, options: CallOptions = {}): Promise<ResolvedManifest> {
    return this.#read(
      this.#traceOf('fetchManifest', descriptor.digest),
      options,
      ({ abilities, endpoint }) => abilities.fetchManifest(endpoint, descriptor, options),
    );
  }

  /** `resolve` and `fetchManifest` in one request. */
  fetchTag(tag: Tag, options: CallOptions = {}): Promise<ResolvedManifest> {
    return this.#read(this.#traceOf('fetchTag', tag), options, ({ abilities, endpoint }) =>
      abilities.fetchTag(endpoint, tag, options),
    );
  }

  fetchBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    return this.#read(
      this.#traceOf('fetchBlob', descriptor.digest),
      options,
      ({ abilities, endpoint }) => abilities.fetchBlob(endpoint, descriptor, options),
    );
  }

  /** {@link BlobDownloader}: a large blob in parallel ranges, going on from what is at `path`. */
  downloadBlob(
    descriptor: Descriptor,
    path: string,
    options: CallOptions = {},
  ): Promise<VerifiedFile> {
    return this.#read(
      this.#traceOf('downloadBlob', descriptor.digest),
      options,
      ({ abilities, endpoint }) =>
        abilities.downloadBlob(endpoint, { blob: descriptor, path }, options),
    );
  }

  hasBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    return this.#traced(this.#traceOf('hasBlob', descriptor.digest), ({ abilities, endpoint }) =>
      abilities.hasBlob(endpoint, descriptor, options),
    );
  }

  pushBlob(
    descriptor: Descriptor,
    body: UploadContent,
    options: UploadOptions = {},
  ): Promise<void> {
    return this.#traced(this.#traceOf('pushBlob', descriptor.digest), ({ abilities, endpoint }) =>
      abilities.pushBlob(endpoint, { descriptor, body }, options),
    );
  }

  /** Takes a blob from another repository of the registry; false when it has to be uploaded. */
  mountBlob(
    descriptor: Descriptor,
    from: RepositoryName | undefined,
    options: CallOptions = {},
  ): Promise<boolean> {
    return this.#traced(this.#traceOf('mountBlob', descriptor.digest), ({ abilities, endpoint }) =>
      abilities.mountBlob(endpoint, { descriptor, from }, options),
    );
  }

  pushManifest(manifest: ResolvedManifest, options: PushManifestOptions = {}): Promise<void> {
    const reference = options.tag ?? manifest.descriptor.digest;
    return this.#traced(this.#traceOf('pushManifest', reference), ({ abilities, endpoint }) =>
      abilities.pushManifest(endpoint, manifest, options),
    );
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` */
  deleteManifest(descriptor: Descriptor, options: CallOptions = {}): Promise<void> {
    return this.#traced(
      this.#traceOf('deleteManifest', descriptor.digest),
      ({ abilities, endpoint }) => abilities.deleteManifest(endpoint, descriptor, options),
    );
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where only manifests can be deleted */
  deleteTag(tag: Tag, options: CallOptions = {}): Promise<void> {
    return this.#traced(this.#traceOf('deleteTag', tag), ({ abilities, endpoint }) =>
      abilities.deleteTag(endpoint, tag, options),
    );
  }

  /** What manifests name is missing then. @throws OciError `BLOB_UNKNOWN`, `UNSUPPORTED` */
  deleteBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<void> {
    return this.#traced(this.#traceOf('deleteBlob', descriptor.digest), ({ abilities, endpoint }) =>
      abilities.deleteBlob(endpoint, descriptor, options),
    );
  }

  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const items = this.#referrers(subject.digest, options);
    return tracedItems(this.#traceOf('listReferrers', subject.digest), items);
  }

  /** Every tag, or the first `limit`, in the registry's order and in its pages. */
  listTags(options: ListOptions = {}): AsyncGenerator<Tag, void, undefined> {
    return tracedItems(this.#traceOf('listTags'), this.#tags(options));
  }

  #traceOf(operation: string, reference?: string): OperationTrace {
    const { name: repository, origin: registry } = this;
    return { operation, registry, repository, ...(reference !== undefined && { reference }) };
  }

  #traced<R>(trace: OperationTrace, work: (ready: Work) => Promise<R>): Promise<R> {
    return tracedOperation(trace, async () => work(await this.#work()));
  }

  /** What is read wrong from a mirror is read again. */
  #read<R>(
    trace: OperationTrace,
    options: CallOptions,
    work: (ready: Work) => Promise<R>,
  ): Promise<R> {
    return this.#traced(trace, ({ abilities, endpoint }) =>
      abilities.read(endpoint, options, (asked) => work({ abilities, endpoint: asked })),
    );
  }

  async #work(): Promise<Work> {
    const endpoint = await this.#reach();
    const abilities = await import('./abilities.js');
    return { abilities, endpoint };
  }

  async *#referrers(
    subject: Digest,
    options: ReferrersOptions,
  ): AsyncGenerator<Descriptor, void, undefined> {
    const { abilities, endpoint } = await this.#work();
    yield* abilities.listReferrers(endpoint, subject, options);
  }

  async *#tags(options: ListOptions): AsyncGenerator<Tag, void, undefined> {
    const { name } = this;
    const { abilities, endpoint } = await this.#work();
    const listing = {
      path: registryPaths.tags(name),
      member: 'tags',
      subject: { name, missing: 'NAME_UNKNOWN' },
    } as const;
    for await (const tag of abilities.listEntries(endpoint, listing, options)) {
      if (isTag(tag)) yield tag;
      else
        options.onEvent?.({
          type: 'warning',
          message: `${name} lists ${JSON.stringify(tag.slice(0, 100))}, which is no tag`,
        });
    }
  }
}
