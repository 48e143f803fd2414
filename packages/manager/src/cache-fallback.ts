import { type EventListener, type OciError, type TransferEvent, isOciError } from '@oci/spec-types';

import type { SourceRepository } from './artifact-source.js';
import type { FoundManifest, LookupOptions, ManifestLookup } from './manifest-lookup.js';
import type { ManifestName } from './manifest-name.js';

/** Whether it is the cache's disk that failed: what a registry can tell needs no cache. */
export function isCacheFailure(error: unknown): error is OciError {
  return isOciError(error, 'STORAGE_FULL', 'STORAGE_DENIED', 'STORAGE_FAILED');
}

/** Tells that the cache is done without. */
export function cacheLeftOut({ message }: OciError): TransferEvent {
  return { type: 'warning', message: `the cache is left out: ${message}` };
}

/** How manifests are had. */
export interface ManifestWays {
  /** Through the cache. */
  readonly lookup: () => Promise<ManifestLookup>;
  /** Past the cache. */
  readonly connect: (name: ManifestName) => SourceRepository;
}

export type ManifestFinder = (name: ManifestName, options: LookupOptions) => Promise<FoundManifest>;

/**
 * Finds the manifests of one call through the cache. One that can't be made or written is left out from
 * then on, with one warning; offline there is nothing else to ask, so that its failure stands.
 */
export function manifestFinder(
  { lookup, connect }: ManifestWays,
  onEvent: EventListener | undefined,
): ManifestFinder {
  let isLeftOut = false;
  return async (name, options) => {
    try {
      if (!isLeftOut) return await (await lookup()).find(name, { ...options, onEvent });
    } catch (error) {
      if (!isCacheFailure(error) || options.policy.offline) throw error;
      if (!isLeftOut) onEvent?.(cacheLeftOut(error));
      isLeftOut = true;
    }
    const { signal } = options;
    const manifest = await connect(name).fetch(name.tag, { signal, onEvent });
    return { manifest, fromCache: false };
  };
}
