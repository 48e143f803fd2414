import type { RemoteOptions } from '@oci/client';
import type {
  BlobDownloader,
  Descriptor,
  Digest,
  ReadableRepository,
  RegistryHost,
  RepositoryName,
  ResolvedManifest,
  Tag,
} from '@oci/spec-types';

/** A repository that artifacts are read from, over HTTP or in process. */
export interface SourceRepository extends ReadableRepository, Partial<BlobDownloader> {
  readonly name: RepositoryName;
  resolve(tagOrDigest: Tag | Digest, options?: RemoteOptions): Promise<Descriptor>;
  fetchManifest(descriptor: Descriptor, options?: RemoteOptions): Promise<ResolvedManifest>;
  /** `resolve` and `fetchManifest` in one call. */
  fetchTag(tag: Tag, options?: RemoteOptions): Promise<ResolvedManifest>;
  fetchBlob(descriptor: Descriptor, options?: RemoteOptions): Promise<AsyncIterable<Uint8Array>>;
  /** @throws OciError `NAME_UNKNOWN` */
  listTags(options?: RemoteOptions): AsyncIterable<Tag>;
  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options?: RemoteOptions & { readonly artifactType?: string | undefined },
  ): AsyncIterable<Descriptor>;
}

/**
 * The repositories of one registry, to read from. A `Registry` over HTTP is one; a program that keeps
 * repositories itself makes another. Trust rules and the cache treat all alike, by `host`.
 */
export interface ArtifactSource {
  readonly host: RegistryHost;
  /** Whether asking needs no network, so that nothing is believed that can be asked. Default false. */
  readonly isInProcess?: boolean;
  repository(name: RepositoryName): SourceRepository;
  /** @throws OciError `UNSUPPORTED` where there is no catalog */
  listRepositories(options?: RemoteOptions): AsyncIterable<RepositoryName>;
}
