import type {
  CallOptions,
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
  resolve(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<Descriptor>;
  fetchManifest(descriptor: Descriptor, options?: CallOptions): Promise<ResolvedManifest>;
  /** `resolve` and `fetchManifest` in one call. */
  fetch(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<ResolvedManifest>;
  fetchBlob(descriptor: Descriptor, options?: CallOptions): Promise<AsyncIterable<Uint8Array>>;
  /** @throws OciError `NAME_UNKNOWN` */
  listTags(options?: CallOptions): AsyncIterable<Tag>;
  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options?: CallOptions & { readonly artifactType?: string | undefined },
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
  listRepositories(options?: CallOptions): AsyncIterable<RepositoryName>;
}
