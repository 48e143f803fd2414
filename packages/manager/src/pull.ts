import type { Cache, Lease, MaterializedName, StatSnapshot, StoredBlob } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  childrenOf,
  formatReference,
} from '@oci/spec-types';
import { imageFor } from '@oci/client';

import { selectContentLayer } from './content-layer.js';
import type { FoundManifest, LookupOptions, ManifestLookup } from './manifest-lookup.js';
import type { ManifestName } from './manifest-name.js';
import { type BlobParts, obtainBlobs } from './pull-blobs.js';
import type { PulledArtifact } from './pulled-artifact.js';
import type { SettledPull } from './settled-pulls.js';
import type { TrustGate } from './trust-gate.js';

export interface PullRequest {
  readonly name: ManifestName;
  /** Which of the guide's paths. */
  readonly path: MaterializedName;
  /** Which layer, when the artifact has several archives: see {@link selectContentLayer}. */
  readonly layer?: string | undefined;
}

/** Where a pull reads and writes. */
export interface PullParts extends BlobParts {
  readonly cache: Cache;
  readonly lookup: ManifestLookup;
  readonly trust: TrustGate;
  /** Hears of a pull that found everything in the cache. */
  readonly onSettled?: ((settled: SettledPull) => void) | undefined;
}

/** Resolves, downloads what is missing, and shows the content layer at the guide's path. */
export async function pull(
  request: PullRequest,
  parts: PullParts,
  options: LookupOptions,
): Promise<PulledArtifact> {
  const { name } = request;
  const { cache, connect, lookup, trust } = parts;
  const { signal, onEvent } = options;
  const root = await lookup.find(name, options);
  const { manifest } = root;
  const reference = formatReference(name);
  await trust.ensure({ name, manifest, source: connect, cache }, { signal, onEvent });
  onEvent?.({ type: 'resolve', reference, digest: manifest.descriptor.digest });
  await using lease = cache.lease();
  const chosen = await choose(request, root, { lookup, options });
  const isComplete = await hold(chosen, { cache, lease, name, signal });
  const snapshot = isComplete ? snapshotOf(chosen, request, cache) : undefined;
  await lookup.keep(name, manifest, options);

  // A cache that others may write proves nothing by sizes and times.
  const rehash = trust.needsSignature(name);
  const { blobs, layer } = chosen;
  const { stored, downloaded } = await obtainBlobs(blobs, parts, { ...options, rehash });
  if (!isComplete) await cache.references.complete(name, manifest.descriptor);
  const path = await materialize(request, chosen, { cache, stored, rehash });
  const { digest, size, mediaType } = layer;
  const manifestDigest = manifest.descriptor.digest;
  const fromCache = !downloaded && root.fromCache;
  const pulled = { path, reference, digest, size, mediaType, manifestDigest, fromCache };
  if (fromCache && snapshot?.isCurrent()) parts.onSettled?.({ pulled, blobs, snapshot });
  return pulled;
}

/** What of an artifact is pulled. */
interface ChosenContent {
  readonly root: FoundManifest;
  /** The root, or the one of its manifests that is for this machine. */
  readonly image: ResolvedManifest;
  /** The one that is shown. */
  readonly layer: Descriptor;
  readonly blobs: readonly Descriptor[];
}

async function choose(
  { name, layer: selector }: PullRequest,
  root: FoundManifest,
  { lookup, options }: { readonly lookup: ManifestLookup; readonly options: LookupOptions },
): Promise<ChosenContent> {
  const fetchManifest = async (child: Descriptor): Promise<ResolvedManifest> =>
    (await lookup.findChild(name, child, options)).manifest;
  const image = await imageFor({ fetchManifest }, root.manifest);
  const layer = selectContentLayer(image.document, selector);
  return { root, image, layer, blobs: distinct(childrenOf(image)) };
}

/**
 * Keeps an artifact's content from being removed while the pull runs.
 *
 * @returns whether an earlier pull has come to its end
 */
async function hold(
  chosen: ChosenContent,
  {
    cache,
    lease,
    name,
    signal,
  }: {
    readonly cache: Cache;
    readonly lease: Lease;
    readonly name: ManifestName;
    readonly signal: AbortSignal | undefined;
  },
): Promise<boolean> {
  await lease.add(digestsOf(chosen), signal);
  return chosen.root.fromCache && (await cache.references.isComplete(name));
}

function snapshotOf(
  chosen: ChosenContent,
  { name, path }: PullRequest,
  cache: Cache,
): StatSnapshot | undefined {
  return cache.snapshot({ reference: name, digests: digestsOf(chosen), name: path });
}

function digestsOf({ root, image, blobs }: ChosenContent): readonly Digest[] {
  const descriptors = [root.manifest.descriptor, image.descriptor, ...blobs];
  return descriptors.map(({ digest }) => digest);
}

/** Puts the content layer at the guide's path. @returns the path */
async function materialize(
  { name, path }: PullRequest,
  { root, layer }: ChosenContent,
  {
    cache,
    stored,
    rehash,
  }: {
    readonly cache: Cache;
    readonly stored: ReadonlyMap<string, StoredBlob>;
    readonly rehash: boolean;
  },
): Promise<string> {
  const blob = stored.get(layer.digest);
  if (!blob) throw new OciError('INTERNAL', `${layer.digest} vanished while it was pulled`);
  const manifestDigest = root.manifest.descriptor.digest;
  const request = { name: path, reference: name, manifestDigest, blob, rehash };
  return (await cache.files.materialize(request)).path;
}

function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((blob) => [blob.digest, blob])).values()];
}
