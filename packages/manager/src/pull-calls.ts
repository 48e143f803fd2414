import type { MaterializedName } from '@oci/cache';
import {
  type EventListener,
  Operation,
  type RepositoryName,
  asOciError,
  isExactVersion,
} from '@oci/spec-types';

import type { ArtifactPlaces } from './artifact-places.js';
import type { SourceRepository } from './artifact-source.js';
import type { PullOptions } from './call-options.js';
import type { FreshnessPolicy } from './freshness.js';
import { ensureCallOptions, ensureTexts } from './argument-checks.js';
import { type ManifestName, manifestName } from './manifest-name.js';
import type { PullCounters } from './metrics.js';
import type { ManagerCache } from './manager-cache.js';
import { type PullRequest, pull } from './pull.js';
import type { PulledArtifact } from './pulled-artifact.js';
import type { RetentionSchedule } from './retention-schedule.js';
import { SettledPulls, retell } from './settled-pulls.js';
import type { TrustGate } from './trust-gate.js';
import { withNearestTags } from './unknown-version.js';

/** What the pulls of a manager have in common. */
export interface PullCallParts {
  readonly places: ArtifactPlaces;
  readonly cache: ManagerCache;
  readonly policy: FreshnessPolicy;
  readonly trust: TrustGate;
  readonly counters: PullCounters;
  readonly retention: RetentionSchedule;
}

/** An artifact by the name that a caller has for it. */
export interface NamedPull {
  /** Fills the template in. */
  readonly repository: () => RepositoryName;
  readonly path: MaterializedName;
}

interface Listening {
  readonly signal: AbortSignal | undefined;
  readonly onEvent: EventListener;
}

/** The pulls of a manager: counted, and not made again while nothing touched the files that one found. */
export class PullCalls {
  readonly #parts: PullCallParts;
  readonly #settled = new SettledPulls();

  constructor(parts: PullCallParts) {
    this.#parts = parts;
  }

  begin(what: NamedPull, options: PullOptions): Operation<PulledArtifact> {
    return new Operation(async (onEvent) => {
      const { counters } = this.#parts;
      const startedAt = performance.now();
      try {
        const pulled = await this.#run(what, options, onEvent);
        const elapsedMs = performance.now() - startedAt;
        counters.pulled({ fromCache: pulled.fromCache, elapsedMs });
        return pulled;
      } catch (error) {
        counters.failed();
        throw asOciError(error);
      }
    });
  }

  /** Has the next pulls made anew. */
  clear(): void {
    this.#settled.clear();
  }

  async #run(
    { repository, path }: NamedPull,
    options: PullOptions,
    onEvent: EventListener,
  ): Promise<PulledArtifact> {
    const { places, policy, trust } = this.#parts;
    ensureTexts(path);
    ensureCallOptions(options);
    const { layer, output, signal } = options;
    const place = repository();
    const registry = places.source(place, options);
    const name = manifestName(registry, place, path.version);
    const isUsual = places.routes.isOf(name.registry, place);
    const request = {
      name,
      layer,
      path: { ...path, ...(!isUsual && { registry: name.registry }) },
    };
    const connect = () => registry.repository(place);
    const throughCache = () => this.#throughCache(request, connect, { signal, onEvent });
    const run = async (): Promise<PulledArtifact> => {
      if (output === undefined) return throughCache();
      const { pullToFile } = await import('./pull-to-file.js');
      const past = policy.offline ? undefined : connect;
      const filePull = { name, layer, output, pull: throughCache, connect: past, trust };
      return pullToFile(filePull, { signal, onEvent });
    };
    return run().catch(withNearestTags(name, registry, options));
  }

  async #throughCache(
    request: PullRequest,
    connect: () => SourceRepository,
    { signal, onEvent }: Listening,
  ): Promise<PulledArtifact> {
    const { counters, policy, retention, trust } = this.#parts;
    const { name, path, layer } = request;
    const key = JSON.stringify([name, path, layer]);
    const settled = this.#mayBeSettled(name) ? this.#settled.find(key) : undefined;
    if (settled && !signal?.aborted) {
      retell(settled, onEvent);
      return settled.pulled;
    }
    const opened = await this.#parts.cache.open();
    retention.begin(opened.cache);
    const parts = {
      ...opened,
      connect,
      trust,
      onBytes: (bytes: number): void => counters.addBytes(bytes),
      onSettled: (settledNow: Parameters<SettledPulls['add']>[1]): void =>
        this.#settled.add(key, settledNow),
    };
    return pull(request, parts, { policy, signal, onEvent });
  }

  /** Whether what is in the cache answers without a look at what its tag points to by now. */
  #mayBeSettled({ tag }: ManifestName): boolean {
    const { offline, refresh } = this.#parts.policy;
    return offline || (!refresh && isExactVersion(tag));
  }
}
