import {
  type Cache,
  ManifestLru,
  type ManifestLruOptions,
  type ViewName,
  openCache,
} from '@oci/cache';
import type { Registry, RemoteRepository } from '@oci/client';
import {
  type CallOptions,
  Operation,
  type RegistryHost,
  type RepositoryName,
  asOciError,
  isOciError,
  parseRepositoryName,
  tagOfVersion,
} from '@oci/spec-types';

import type { Artifact } from './artifact-list.js';
import type { ArtifactSource, SourceRepository } from './artifact-source.js';
import type { ForgetOptions, ManagerCallOptions, PullOptions } from './call-options.js';
import {
  type RepositoryTemplates,
  defaultTemplates,
  extensionRepository,
  kclRepository,
  parseExtensionType,
} from './artifact-name.js';
import { type FreshnessPolicy, defaultFreshness, isExactVersion } from './freshness.js';
import type { PackageRepository } from './foreign-registry.js';
import { ensureOptions, ensureTexts } from './given.js';
import { type ManifestInfo, describe } from './manifest-info.js';
import { ManifestLookup, type ManifestName, manifestName, memoryKey } from './manifest-lookup.js';
import { type ManagerMetrics, PullCounters } from './metrics.js';
import { type ManifestFinder, manifestFinder } from './past-cache.js';
import { type PulledArtifact, pull } from './pull.js';
import { type ReachOptions, RegistrySet } from './registry-set.js';
import { type RetentionOptions, RetentionSchedule } from './retention-schedule.js';
import { type SettledPull, SettledPulls, retell } from './settled-pulls.js';
import { TrustGate, type TrustQuestion } from './trust-gate.js';
import type { TrustRule } from './trust-policy.js';
import { withNearestTags } from './unknown-version.js';

export interface OciManagerOptions extends ReachOptions {
  /** `http://localhost:5000`, `https://registry.example`; a bare host means HTTPS, loopback HTTP. */
  readonly registryUrl: string;
  /** The namespace of extensions. */
  readonly namespace: string;
  readonly cacheDir: string;
  readonly templates?: Partial<RepositoryTemplates> | undefined;
  /** Repositories to list where the registry has no catalog. */
  readonly repositories?: readonly string[] | undefined;
  readonly freshness?: Partial<FreshnessPolicy> | undefined;
  /** Write through to the disk before content counts as stored. Default true; false for throw-away machines. */
  readonly fsync?: boolean | undefined;
  /** What may stay in the cache; pruned beside the first pull, and then every so often. */
  readonly retention?: RetentionOptions | undefined;
  /** Who has to have signed what is pulled; default: nobody. */
  readonly trust?: readonly TrustRule[] | undefined;
  /** Manifests in memory. Default 100 entries, 64 MiB. */
  readonly manifestCache?: ManifestLruOptions | undefined;
}

/**
 * The guide's calls: pulls, lists and inspects KCL packages and extensions of one registry, through
 * a cache directory. Nothing is opened before the first call.
 */
export class OciManager {
  readonly #options: OciManagerOptions;
  readonly #templates: RepositoryTemplates;
  readonly #policy: FreshnessPolicy;
  readonly #memory: ManifestLru;
  readonly #counters = new PullCounters();
  readonly #registries: RegistrySet;
  readonly #retention: RetentionSchedule;
  readonly #trust: TrustGate;
  readonly #settled = new SettledPulls();
  #opening: Promise<{ cache: Cache; lookup: ManifestLookup }> | undefined;

  /** @throws OciError `USAGE` for an option that is missing, `REFERENCE_INVALID` for `registryUrl` */
  constructor(options: OciManagerOptions) {
    ensureOptions(options);
    this.#options = options;
    this.#memory = new ManifestLru(options.manifestCache);
    this.#registries = new RegistrySet(options);
    this.#retention = new RetentionSchedule(options.retention);
    this.#templates = { ...defaultTemplates, ...options.templates };
    this.#policy = { ...defaultFreshness, ...options.freshness };
    this.#trust = new TrustGate(options.trust ?? [], this.#policy);
  }

  /** Downloads a KCL package, unless it is in the cache, to `kcl/<name>/<version>/package.tar.gz`. */
  pullKclPackage(
    name: string,
    version: string,
    options: PullOptions = {},
  ): Operation<PulledArtifact> {
    const repository = (): RepositoryName => kclRepository(this.#templates, name);
    return this.#pull({ repository, version, view: { kind: 'kcl', name, version } }, options);
  }

  /** Downloads an extension to `extensions/<type>/<name>/<version>/artifact.tar.gz`. */
  pullExtensionArtifact(
    type: string,
    name: string,
    version: string,
    options: PullOptions = {},
  ): Operation<PulledArtifact> {
    const repository = (): RepositoryName => this.#extensionRepository(type, name);
    const view: ViewName = { kind: 'extension', type, name, version };
    return this.#pull({ repository, version, view }, options);
  }

  /** Every version of every artifact below a namespace, e.g. `kcl`; offline of what is in the cache. */
  async listOciArtifacts(
    namespace: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly Artifact[]> {
    ensureTexts({ namespace });
    const { listNamespace } = await import('./namespace-listing.js');
    const sources = {
      registry: this.#source(options),
      repositories: this.#options.repositories ?? [],
      policy: this.#policy,
      open: () => this.#open(),
    };
    return listNamespace(namespace, sources, options);
  }

  /** Asks the registry; a manifest in the cache proves nothing here. */
  async artifactExists(
    repository: string,
    version: string,
    options: ManagerCallOptions = {},
  ): Promise<boolean> {
    ensureTexts({ repository, version });
    const remote = this.#source(options).repository(parseRepositoryName(repository));
    try {
      await remote.resolve(tagOfVersion(version), options);
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
    const registry = this.#source(options);
    const name = manifestName(registry, parseRepositoryName(repository), version);
    const lookup = { policy: this.#policy, signal: options.signal };
    const found = this.#finder(registry, options)(name, lookup);
    return describe(await found.catch(withNearestTags(name, registry, options)));
  }

  /** Every version of a KCL package, oldest first. @throws OciError `NAME_UNKNOWN` */
  async listKclVersions(
    name: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly string[]> {
    ensureTexts({ name });
    return this.#versions(kclRepository(this.#templates, name), options);
  }

  /** Every version of an extension, oldest first. @throws OciError `NAME_UNKNOWN` */
  async listExtensionVersions(
    type: string,
    name: string,
    options: ManagerCallOptions = {},
  ): Promise<readonly string[]> {
    return this.#versions(this.#extensionRepository(type, name), options);
  }

  /** Returns where a KCL package is, without asking anybody. @throws OciError `REFERENCE_INVALID` */
  kclPackagePlace(name: string, options: ManagerCallOptions = {}): PackageRepository {
    const repository = kclRepository(this.#templates, name);
    return { registry: this.#source(options).host, repository };
  }

  /** Returns where an extension is, without asking anybody. @throws OciError `REFERENCE_INVALID` */
  extensionPlace(type: string, name: string, options: ManagerCallOptions = {}): PackageRepository {
    const repository = this.#extensionRepository(type, name);
    return { registry: this.#source(options).host, repository };
  }

  /** Whether a registry is the manager's own, or one that its options name. */
  knowsRegistry(host: RegistryHost): boolean {
    return host === this.#source().host || this.#registries.names(host);
  }

  /**
   * The same registries, cache and policy, but KCL packages are named by their whole repository, as
   * dependencies name them. It has connections of its own to close.
   */
  byRepository(): OciManager {
    const templates = { ...this.#templates, kcl: '{name}' };
    return new OciManager({ ...this.#options, templates });
  }

  /** A repository of a registry over HTTP, e.g. to push to. @throws OciError `REFERENCE_INVALID` */
  repository(name: string, options: ManagerCallOptions = {}): RemoteRepository {
    return this.registry(options.registry ?? this.#options.registryUrl).repository(
      parseRepositoryName(name),
    );
  }

  /** A repository to read from, over HTTP or not. @throws OciError `REFERENCE_INVALID` */
  sourceRepository(name: string, options: ManagerCallOptions = {}): SourceRepository {
    return this.#source(options).repository(parseRepositoryName(name));
  }

  /**
   * The cache directory, opened: to measure, prune, verify or clear it.
   *
   * @param options.make false for one to look at only: a missing directory is as an empty one
   */
  async cache({ make = true }: { readonly make?: boolean } = {}): Promise<Cache> {
    return make ? (await this.#open()).cache : openCache(this.#options.cacheDir, { make });
  }

  /**
   * Any registry, by `host[:port]` or URL, reached as the options say of it; closed with the manager.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` for one that is blocked
   */
  registry(address: string): Registry {
    return this.#registries.open(address);
  }

  /**
   * Returns when the rules of `trust` allow to use an artifact that was not pulled through the manager.
   *
   * @throws OciError `POLICY_REFUSED`, `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `OFFLINE`
   */
  async ensureTrusted(question: TrustQuestion, options: CallOptions = {}): Promise<void> {
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
    const registry = this.#source(options);
    const name = manifestName(registry, parseRepositoryName(repository), version);
    this.#memory.delete(memoryKey(name));
    await (await this.cache({ make: false })).forget(name, options);
  }

  /** Forgets the manifests in memory; what is on disk stays. */
  clearCache(): void {
    this.#memory.clear();
    this.#settled.clear();
  }

  metrics(): ManagerMetrics {
    const { hits, misses, size: entries, bytes, evictions } = this.#memory.stats;
    return this.#counters.snapshot({ hits, misses, entries, bytes, evictions });
  }

  /** Closes the connections; calls that run are not waited for. */
  async close(): Promise<void> {
    await this.#retention.end();
    await this.#registries.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #pull(
    what: { repository: () => RepositoryName; version: string; view: ViewName },
    options: PullOptions,
  ): Operation<PulledArtifact> {
    return new Operation(async (onEvent) => {
      const startedAt = performance.now();
      try {
        ensureTexts(what.view);
        const registry = this.#source(options);
        const name = manifestName(registry, what.repository(), what.version);
        const connect = () => registry.repository(name.repository);
        const onBytes = (bytes: number): void => this.#counters.addBytes(bytes);
        const view = { ...what.view, registry: this.#otherRegistry(registry) };
        const { layer, output, signal } = options;
        const throughCache = async (): Promise<PulledArtifact> => {
          const key = JSON.stringify([name, view, layer]);
          const settled = this.#mayBeSettled(name) ? this.#settled.find(key) : undefined;
          if (settled && !signal?.aborted) {
            retell(settled, onEvent);
            return settled.pulled;
          }
          const { cache, lookup } = await this.#open();
          this.#retention.begin(cache);
          const call = { policy: this.#policy, signal, onEvent };
          const trust = this.#trust;
          const onSettled = (pulled: SettledPull): void => this.#settled.add(key, pulled);
          const parts = { cache, lookup, connect, onBytes, trust, onSettled };
          return pull({ name, view, layer }, parts, call);
        };
        const past = this.#policy.offline ? undefined : connect;
        const run = async (): Promise<PulledArtifact> => {
          if (output === undefined) return throughCache();
          const { deliver } = await import('./delivery.js');
          const trust = this.#trust;
          const delivery = { name, layer, output, pull: throughCache, connect: past, trust };
          return deliver(delivery, { signal, onEvent });
        };
        const pulled = await run().catch(withNearestTags(name, registry, options));
        this.#counters.pulled({
          fromCache: pulled.fromCache,
          elapsedMs: performance.now() - startedAt,
        });
        return pulled;
      } catch (error) {
        this.#counters.failed();
        throw asOciError(error);
      }
    });
  }

  /** Whether what is in the cache answers without a look at what its tag points to by now. */
  #mayBeSettled({ tag }: ManifestName): boolean {
    const { offline, refresh } = this.#policy;
    return offline || (!refresh && isExactVersion(tag));
  }

  async #versions(
    repository: RepositoryName,
    options: ManagerCallOptions,
  ): Promise<readonly string[]> {
    const { listVersions } = await import('./version-listing.js');
    return listVersions(this.#source(options).repository(repository), this.#policy, options);
  }

  /** The guide's paths belong to the manager's own registry. */
  #otherRegistry({ host }: ArtifactSource): RegistryHost | undefined {
    return host === this.#source().host ? undefined : host;
  }

  #extensionRepository(type: string, name: string): RepositoryName {
    ensureTexts({ type, name });
    const extension = { namespace: this.#options.namespace, type: parseExtensionType(type), name };
    return extensionRepository(this.#templates, extension);
  }

  #source({ registry = this.#options.registryUrl }: ManagerCallOptions = {}): ArtifactSource {
    return this.#registries.source(registry);
  }

  #finder(registry: ArtifactSource, { onEvent }: ManagerCallOptions): ManifestFinder {
    const lookup = async (): Promise<ManifestLookup> => (await this.#open()).lookup;
    const connect = ({ repository }: ManifestName) => registry.repository(repository);
    return manifestFinder({ lookup, connect }, onEvent);
  }

  #open(): Promise<{ cache: Cache; lookup: ManifestLookup }> {
    this.#opening ??= this.#openCache().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #openCache(): Promise<{ cache: Cache; lookup: ManifestLookup }> {
    const cache = await openCache(this.#options.cacheDir, {
      fsync: this.#options.fsync,
      onDamage: () => this.#counters.damaged(),
    });
    const connect = ({ registry, repository }: Pick<ManifestName, 'registry' | 'repository'>) =>
      this.#registries.source(registry).repository(repository);
    const listener = {
      onMoved: () => this.#counters.moved(),
      onStale: () => this.#counters.stale(),
    };
    const lookup = new ManifestLookup({ cache, memory: this.#memory, connect, listener });
    return { cache, lookup };
  }
}
