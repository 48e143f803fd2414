import {
  type BlobDownloader,
  type BlobMounter,
  type CallOptions,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Located,
  type ManifestDeleter,
  type Mirrored,
  OciError,
  type ReferrerLister,
  type Repository,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  type TagDeleter,
  type VerifiedFile,
  isTag,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { type OperationTrace, tracedItems, tracedOperation } from '../diagnostics.js';
import type { AttachOptions } from '../manifest/attachment.js';
import type { UploadContent } from '../upload/blob-body.js';
import type { UploadOptions } from '../upload/upload-options.js';
import type * as Abilities from './abilities.js';
import { checkContent, checkDescriptor, checkManifest, parseTagOrDigest } from './arguments.js';
import type { FetchBytesOptions, PushBytesOptions } from './blob-bytes.js';
import type { FetchBlobOptions } from './blob-source.js';
import { type Operation, checkCall } from './call-check.js';
import type { Endpoint } from './endpoint.js';
import type { ListOptions } from './listing.js';
import type { PushManifestOptions } from './manifest-sink.js';
import type { FetchOptions } from './manifest-source.js';
import type { ReferrersOptions } from './referrers.js';

/** What a call works with, loaded and made ready by the first. */
interface Work {
  readonly endpoint: Endpoint;
  readonly abilities: typeof Abilities;
}

/** A call that is made: its method, what it is about, and its options. */
interface Call {
  readonly operation: Operation;
  readonly about?: string;
  readonly options: CallOptions;
}

/**
 * A repository of a registry over HTTP; each ability is a file beside this one. Tags and digests are text, checked
 * here: a call with an argument that is none fails with `USAGE`, `REFERENCE_INVALID` or `DIGEST_INVALID`.
 */
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

  async resolve(tagOrDigest: string, given: CallOptions = {}): Promise<Descriptor> {
    const options = checkCall('resolve', given);
    const about = parseTagOrDigest(tagOrDigest);
    return this.#read({ operation: 'resolve', about, options }, ({ abilities, endpoint }) =>
      abilities.resolve(endpoint, about, options),
    );
  }

  /** Fetches a manifest by its tag or digest, verified, in one request. */
  async fetch(tagOrDigest: string, given: FetchOptions = {}): Promise<ResolvedManifest> {
    const options = checkCall('fetch', given);
    const about = parseTagOrDigest(tagOrDigest);
    return this.#read({ operation: 'fetch', about, options }, ({ abilities, endpoint }) =>
      abilities.fetch(endpoint, about, options),
    );
  }

  async fetchManifest(descriptor: Descriptor, given: FetchOptions = {}): Promise<ResolvedManifest> {
    const options = checkCall('fetchManifest', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#read({ operation: 'fetchManifest', about, options }, ({ abilities, endpoint }) =>
      abilities.fetchManifest(endpoint, descriptor, options),
    );
  }

  /** {@link fetchConfig} */
  async fetchConfig(manifest: ResolvedManifest, given: CallOptions = {}): Promise<ImageConfig> {
    const options = checkCall('fetchConfig', given);
    checkManifest(manifest);
    const { abilities } = await this.#work();
    return abilities.fetchConfig(this, manifest, options);
  }

  /** The bytes of a blob: all, verified, or those of a `range`, of which only the length is. */
  async fetchBlob(
    descriptor: Descriptor,
    given: FetchBlobOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const options = checkCall('fetchBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#read({ operation: 'fetchBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.fetchBlob(endpoint, descriptor, options),
    );
  }

  /** Reads a small blob into memory, verified. @throws OciError `LIMIT_EXCEEDED` before anything is fetched */
  async fetchBytes(descriptor: Descriptor, given: FetchBytesOptions = {}): Promise<Uint8Array> {
    const options = checkCall('fetchBytes', given);
    checkDescriptor(descriptor);
    const { abilities } = await this.#work();
    return abilities.fetchBytes(this, descriptor, options);
  }

  /** {@link BlobDownloader}: a large blob in parallel ranges, going on from what is at `path`. */
  async downloadBlob(
    descriptor: Descriptor,
    path: string,
    given: CallOptions = {},
  ): Promise<VerifiedFile> {
    const options = checkCall('downloadBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    if (typeof path !== 'string' || path === '' || path.includes('\0'))
      throw new OciError('USAGE', 'a blob is downloaded to the path of a file', {
        hint: 'Give a path: downloadBlob(descriptor, path).',
      });
    return this.#read({ operation: 'downloadBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.downloadBlob(endpoint, { blob: descriptor, path }, options),
    );
  }

  async hasBlob(descriptor: Descriptor, given: CallOptions = {}): Promise<boolean> {
    const options = checkCall('hasBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#traced({ operation: 'hasBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.hasBlob(endpoint, descriptor, options),
    );
  }

  async pushBlob(
    descriptor: Descriptor,
    body: UploadContent,
    given: UploadOptions = {},
  ): Promise<void> {
    const options = checkCall('pushBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#traced({ operation: 'pushBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.pushBlob(endpoint, { descriptor, body }, options),
    );
  }

  /** Pushes bytes as a blob. @returns its descriptor, for a manifest */
  async pushBytes(bytes: Uint8Array, given: PushBytesOptions = {}): Promise<Descriptor> {
    const options = checkCall('pushBytes', given);
    const { abilities } = await this.#work();
    return abilities.pushBytes(this, bytes, options);
  }

  /** Takes a blob from another repository of the registry; false when it has to be uploaded. */
  async mountBlob(
    descriptor: Descriptor,
    repository: string | undefined,
    given: CallOptions = {},
  ): Promise<boolean> {
    const options = checkCall('mountBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    const from = repository === undefined ? undefined : parseRepositoryName(repository);
    return this.#traced({ operation: 'mountBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.mountBlob(endpoint, { descriptor, from }, options),
    );
  }

  /** Stores a manifest under its digest or under a tag. @returns its descriptor */
  async pushManifest(
    manifest: ResolvedManifest,
    given: PushManifestOptions = {},
  ): Promise<Descriptor> {
    const options = checkCall('pushManifest', given);
    const { digest } = checkManifest(manifest).descriptor;
    const { tag: about = digest } = options;
    return this.#traced({ operation: 'pushManifest', about, options }, ({ abilities, endpoint }) =>
      abilities.pushManifest(endpoint, manifest, options),
    );
  }

  /** Pushes an artifact that refers to a manifest: an SBOM, a signature, a report. @returns its manifest */
  async attach(subject: string | Descriptor, given: AttachOptions): Promise<ResolvedManifest> {
    const options = checkCall('attach', given);
    const { signal, onEvent } = options;
    const { abilities } = await this.#work();
    abilities.checkAttachment(options);
    const call = { signal, onEvent, forPush: true };
    // The length in an answer to HEAD is a hint, and the artifact says for ever what its subject is.
    const described = typeof subject === 'string' ? this.fetch(subject, call) : undefined;
    const descriptor = (await described)?.descriptor ?? checkDescriptor(subject as Descriptor);
    return abilities.attach(this, descriptor, options);
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` */
  async deleteManifest(descriptor: Descriptor, given: CallOptions = {}): Promise<void> {
    const options = checkCall('deleteManifest', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#traced({ operation: 'deleteManifest', about, options }, (ready) =>
      ready.abilities.deleteManifest(ready.endpoint, descriptor, options),
    );
  }

  /** @throws OciError `MANIFEST_UNKNOWN`, `UNSUPPORTED` where only manifests can be deleted */
  async deleteTag(tag: string, given: CallOptions = {}): Promise<void> {
    const options = checkCall('deleteTag', given);
    const about = parseTag(tag);
    return this.#traced({ operation: 'deleteTag', about, options }, ({ abilities, endpoint }) =>
      abilities.deleteTag(endpoint, about, options),
    );
  }

  /** What manifests name is missing then. @throws OciError `BLOB_UNKNOWN`, `UNSUPPORTED` */
  async deleteBlob(descriptor: Descriptor, given: CallOptions = {}): Promise<void> {
    const options = checkCall('deleteBlob', given);
    const { digest: about } = checkDescriptor(descriptor);
    return this.#traced({ operation: 'deleteBlob', about, options }, ({ abilities, endpoint }) =>
      abilities.deleteBlob(endpoint, descriptor, options),
    );
  }

  async *listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    given: ReferrersOptions = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    const options = checkCall('listReferrers', given);
    const { digest: about } = checkContent(subject);
    const trace = this.#traceOf({ operation: 'listReferrers', about, options });
    yield* tracedItems(trace, this.#referrers(about, options));
  }

  /** Every tag, or the first `limit`, in the registry's order and in its pages. */
  async *listTags(given: ListOptions = {}): AsyncGenerator<Tag, void, undefined> {
    const options = checkCall('listTags', given);
    const trace = this.#traceOf({ operation: 'listTags', options });
    yield* tracedItems(trace, this.#tags(options));
  }

  #traceOf({ operation, about, options }: Call): OperationTrace {
    checkCall(operation, options);
    const { name: repository, origin: registry } = this;
    return { operation, registry, repository, ...(about !== undefined && { reference: about }) };
  }

  #traced<R>(call: Call, work: (ready: Work) => Promise<R>): Promise<R> {
    return tracedOperation(this.#traceOf(call), async () => work(await this.#work()));
  }

  /** What is read wrong from a mirror is read again. */
  #read<R>(call: Call, work: (ready: Work) => Promise<R>): Promise<R> {
    return this.#traced(call, ({ abilities, endpoint }) =>
      abilities.read(endpoint, call.options, (asked) => work({ abilities, endpoint: asked })),
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
