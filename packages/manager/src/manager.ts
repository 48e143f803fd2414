import type { Cache } from '@oci/cache';
import type { Registry, RemoteRepository } from '@oci/client';
import {
  type CallOptions,
  type Operation,
  type RegistryHost,
  type RepositoryName,
  isOciError,
  parseRepositoryName,
  tagOfVersion,
} from '@oci/spec-types';

import type { Artifact } from './artifact.js';
import { ArtifactPlaces } from './artifact-places.js';
import type { SourceRepository } from './artifact-source.js';
import {
  type ForgetOptions,
  type ManagerCallOptions,
  type PullOptions,
  clientCall,
} from './call-options.js';
import { type FreshnessPolicy, defaultFreshness } from './freshness.js';
import type { NamedRegistry, PackageRepository } from './named-registry.js';
import {
  ensureCallOptions,
  ensureOptions,
  ensureTexts,
  ensureTrustQuestion,
} from './argument-checks.js';
import { type ManifestInfo, describe } from './manifest-info.js';
import { type ManifestName, manifestName, memoryKey } from './manifest-name.js';
import { type ManagerMetrics, PullCounters } from './metrics.js';
import type { OciManagerOptions } from './oci-manager-options.js';
import { ManagerCache } from './manager-cache.js';
import { manifestFinder } from './cache-fallback.js';
import { type NamedPull, PullCalls } from './pull-calls.js';
import type { PulledArtifact } from './pulled-artifact.js';
import type { ReadThroughRepository } from './read-through.js';
import { RetentionSchedule } from './retention-schedule.js';
import type { Route } from './routes/route-table.js';
import { TrustGate, type TrustQuestion } from './trust-gate.js';
import { withNearestTags } from './unknown-version.js';

/**
 * The guide's calls: pulls, lists and inspects KCL packages and extensions, each of the registry that its name belongs
 * to, through a cache directory. Nothing is opened before the first call.
 */
export class OciManager {
  readonly #options: OciManagerOptions;
  readonly #policy: FreshnessPolicy;
  readonly #places: ArtifactPlaces;
  readonly #cache: ManagerCache;
  readonly #counters = new PullCounters();
  readonly #retention: RetentionSchedule;
  readonly #trust: TrustGate;
  readonly #pulls: PullCalls;

  /**
   * @throws OciError `USAGE` for an option that is missing or of another kind, `REFERENCE_INVALID` for an address or a
   * pattern of `routes`
   */
  constructor(options: OciManagerOptions) {
    ensureOptions(options);
    this.#options = options;
    this.#policy = { ...defaultFreshness, ...options.freshness };
    const places = new ArtifactPlaces(options);
    const counters = this.#counters;
    this.#places = places;
    this.#cache = new ManagerCache(options, { counters, registries: places.registries });
    this.#retention = new RetentionSchedule(options.retention);
    this.#trust = new TrustGate(options.trust ?? [], this.#policy, () => counters.mistrusted());
    this.#pulls = new PullCalls({
      places,
      counters,
      cache: this.#cache,
      policy: this.#policy,
      trust: this.#trust,
      retention: this.#retention,
    });
  }

  /** Downloads a KCL package, unless it is in the cache, to `kcl/<name>/<version>/package.tar.gz`. */
  pullKclPackage(
    name: string,
    version: string,
    options: PullOptions = {},
  ): Operation<PulledArtifact> {
    const repository = (): RepositoryName => this.#places.kcl(name);
    return this.#pulls.begin({ repository, path: { kind: 'kcl', name, version } }, options);
  }

  /** Downloads an extension to `extensions/<type>/<name>/<version>/artifact.tar.gz`. */
  pullExtensionArtifact(
    type: string,
    name: string,
    version: string,
    options: PullOptions = {},
  ): Operation<PulledArtifact> {
    const repository = (): RepositoryName => this.#places.extension(type, name);
    const path: NamedPull['path'] = { kind: 'extension', type, name, version };
    return this.#pulls.begin({ repository, path }, options);
  }

  /**
   * Every version of every artifact below a namespace, e.g. `kcl`: of each registry that names there belong to, what
   * belongs to it; offline of what is in the cache.
   */
  async listOciArtifacts(
    namespace: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly Artifact[]> {
    ensureTexts({ namespace });
    ensureCallOptions(options);
    const { listNamespace } = await import('./listing/namespace-listing.js');
    const name = parseRepositoryName(namespace);
    const sources = {
      ...this.#places.below(name, options),
      repositories: (this.#options.repositories ?? []).map(parseRepositoryName),
      policy: this.#policy,
      open: () => this.#cache.open(),
    };
    return listNamespace(name, sources, options);
  }

  /** Asks the registry; a manifest in the cache proves nothing here. */
  async artifactExists(
    repository: string,
    version: string,
    options: ManagerCallOptions = {},
  ): Promise<boolean> {
    ensureTexts({ repository, version });
    const remote = this.sourceRepository(repository, options);
    try {
      await remote.resolve(tagOfVersion(version), clientCall(options));
      return true;
    } catch (error) {
      if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return false;
      throw error;
    }
  }

  /** The manifest of a version: memory (100 entries), then disk, then the registry. */
  async getManifest(
    repository: string,
    version: string,
    options: ManagerCallOptions = {},
  ): Promise<ManifestInfo> {
    ensureTexts({ repository, version });
    ensureCallOptions(options);
    const place = parseRepositoryName(repository);
    const registry = this.#places.source(place, options);
    const name = manifestName(registry, place, version);
    const lookup = async () => (await this.#cache.open()).lookup;
    const connect = () => registry.repository(place);
    const find = manifestFinder({ lookup, connect }, options.onEvent);
    const found = find(name, { policy: this.#policy, signal: options.signal });
    return describe(await found.catch(withNearestTags(name, registry, options)));
  }

  /** Every version of a KCL package, oldest first. @throws OciError `NAME_UNKNOWN` */
  async listKclVersions(
    name: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly string[]> {
    return this.#versions(this.#places.kcl(name), options);
  }

  /** Every version of an extension, oldest first. @throws OciError `NAME_UNKNOWN` */
  async listExtensionVersions(
    type: string,
    name: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly string[]> {
    return this.#versions(this.#places.extension(type, name), options);
  }

  /** Returns where a KCL package is, without asking anybody. @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` */
  kclPackagePlace(name: string, options: ManagerCallOptions = {}): PackageRepository {
    return this.#place(this.#places.kcl(name), options);
  }

  /** Returns where an extension is, without asking anybody. @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` */
  extensionPlace(type: string, name: string, options: ManagerCallOptions = {}): PackageRepository {
    return this.#place(this.#places.extension(type, name), options);
  }

  /**
   * Returns the registry that a repository belongs to, and the route that says so.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` for one without a route where it needs one
   */
  routeOf(repository: string): Route {
    ensureTexts({ repository });
    return this.#places.routes.of(parseRepositoryName(repository));
  }

  /** Whether a registry is the manager's own, or one that its options name. */
  knowsRegistry(host: RegistryHost): boolean {
    return this.#places.routes.names(host) || this.#places.registries.names(host);
  }

  /**
   * Lets content of one registry lead to another, which is reached at public addresses only from then on,
   * unless the options name it, or the content itself comes from an internal registry.
   *
   * @throws OciError `POLICY_REFUSED` for a lead from a public registry to an internal one
   */
  async followLead(lead: NamedRegistry): Promise<void> {
    if (this.knowsRegistry(lead.named)) return;
    const { registries } = this.#places;
    const isPublic = registries.isKeptPublic(lead.by);
    // Few pulls follow a lead, and resolving names takes DNS, which a pull out of the cache does without.
    const { refuseLeadInside } = await import('./named-registry.js');
    if (await refuseLeadInside({ ...lead, isPublic })) registries.keepPublic(lead.named);
  }

  /**
   * The same registries, cache and policy, but KCL packages are named by their whole repository, as
   * dependencies name them. It has connections of its own to close.
   */
  byRepository(): OciManager {
    const templates = { ...this.#options.templates, kcl: '{name}' };
    return new OciManager({ ...this.#options, templates });
  }

  /**
   * A repository over HTTP, e.g. to push to, of the registry that it belongs to.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED`
   */
  repository(name: string, options: ManagerCallOptions = {}): RemoteRepository {
    ensureTexts({ name });
    ensureCallOptions(options);
    const place = parseRepositoryName(name);
    const address = options.registry ?? this.#places.routes.of(place).address;
    return this.registry(address).repository(place);
  }

  /** A repository to read from, over HTTP or not. @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` */
  sourceRepository(name: string, options: ManagerCallOptions = {}): SourceRepository {
    ensureTexts({ name });
    ensureCallOptions(options);
    const place = parseRepositoryName(name);
    return this.#places.source(place, options).repository(place);
  }

  /**
   * Runs work on a repository whose content comes through the cache: a digest is downloaded once for all processes that
   * share the directory, and a tag is asked of the registry each time, unless `freshness.offline`. What the work wrote
   * is its own: the cache may be removed.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED`, `OFFLINE`, `STORAGE_…`, and as `work` does
   */
  async throughCache<T>(
    name: string,
    work: (repository: ReadThroughRepository) => Promise<T>,
    options: ManagerCallOptions = {},
  ): Promise<T> {
    ensureTexts({ name });
    ensureCallOptions(options);
    const repository = parseRepositoryName(name);
    const { withReadThrough } = await import('./read-through.js');
    const { cache } = await this.#cache.open();
    this.#retention.begin(cache);
    const parts = {
      cache,
      registry: this.#places.host(repository, options),
      name: repository,
      connect: () => this.#places.source(repository, options).repository(repository),
      policy: this.#policy,
      onBytes: (bytes: number): void => this.#counters.addBytes(bytes),
    };
    return withReadThrough(parts, work, options);
  }

  /**
   * The cache directory, opened: to measure, prune, verify or clear it.
   *
   * @param options.make false for one to look at only: a missing directory is as an empty one
   */
  async cache(options: { readonly make?: boolean } = {}): Promise<Cache> {
    ensureCallOptions(options);
    const { make = true } = options;
    return make ? (await this.#cache.open()).cache : this.#cache.look();
  }

  /**
   * Any registry, by `host[:port]` or URL, reached as the options say of it; closed with the manager.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` for one that is blocked
   */
  registry(address: string): Registry {
    ensureTexts({ address });
    return this.#places.registries.open(address);
  }

  /**
   * Returns when the rules of `trust` allow to use an artifact that was not pulled through the manager.
   *
   * @throws OciError `USAGE`, `POLICY_REFUSED`, `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `OFFLINE`
   */
  async ensureTrusted(question: TrustQuestion, options: CallOptions = {}): Promise<void> {
    ensureTrustQuestion(question);
    ensureCallOptions(options);
    await this.#trust.ensure(question, options);
  }

  /**
   * Forgets what a version points to, in memory and in the cache, so that the next pull and the next listing ask the
   * registry: for a version that was replaced or deleted there. Its content stays until retention removes it.
   *
   * @throws OciError `STORAGE_…` when the cache cannot be written
   */
  async forget(repository: string, version: string, options: ForgetOptions = {}): Promise<void> {
    ensureTexts({ repository, version });
    ensureCallOptions(options);
    const place = parseRepositoryName(repository);
    const host = this.#places.host(place, options);
    const name: ManifestName = manifestName({ host }, place, version);
    this.#cache.memory.delete(memoryKey(name));
    await (await this.#cache.look()).forget(name, options);
  }

  /** Forgets the manifests in memory; what is on disk stays. */
  clearCache(): void {
    this.#cache.memory.clear();
    this.#pulls.clear();
  }

  metrics(): ManagerMetrics {
    const { hits, misses, size: entries, bytes, evictions } = this.#cache.memory.stats;
    return this.#counters.snapshot({ hits, misses, entries, bytes, evictions });
  }

  /** Closes the connections; calls that run are not waited for. */
  async close(): Promise<void> {
    await this.#retention.end();
    await this.#places.registries.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #versions(
    repository: RepositoryName,
    options: ManagerCallOptions,
  ): Promise<readonly string[]> {
    ensureCallOptions(options);
    const { listVersions } = await import('./listing/version-listing.js');
    const registry = this.#places.source(repository, options);
    return listVersions(registry.repository(repository), this.#policy, options);
  }

  #place(repository: RepositoryName, options: ManagerCallOptions): PackageRepository {
    ensureCallOptions(options);
    return { registry: this.#places.host(repository, options), repository };
  }
}
