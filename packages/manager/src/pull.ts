import type { Cache, Lease, StoredBlob, ViewName } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type EventListener,
  type ImageManifest,
  OciError,
  type ResolvedManifest,
  childrenOf,
  emptyDescriptor,
  formatReference,
  singleChunk,
} from '@oci/spec-types';
import { embeddedContent } from '@oci/spec-types/node';

import type { SourceRepository } from './artifact-source.js';
import { forEachConcurrent } from './concurrency.js';
import { selectContentLayer } from './content-layer.js';
import type {
  FoundManifest,
  LookupOptions,
  ManifestLookup,
  ManifestName,
} from './manifest-lookup.js';
import { selectManifest } from './platform.js';
import type { SettledPull } from './settled-pulls.js';
import type { TrustGate } from './trust-gate.js';

/** What a pull gives: a whole, verified file at the guide's path. */
export interface PulledArtifact {
  /** A gzip tar. */
  readonly path: string;
  readonly reference: string;
  /** Of the content layer, as published. */
  readonly digest: Descriptor['digest'];
  /** Bytes of the content layer, as published. */
  readonly size: number;
  readonly mediaType: string;
  readonly manifestDigest: Descriptor['digest'];
  /** Whether nothing was downloaded. */
  readonly fromCache: boolean;
}

export interface PullRequest {
  readonly name: ManifestName;
  readonly view: ViewName;
  /** Which layer, when the artifact has several archives: see {@link selectContentLayer}. */
  readonly layer?: string | undefined;
}

/** Where a pull reads and writes. */
export interface PullParts {
  readonly cache: Cache;
  readonly lookup: ManifestLookup;
  readonly connect: () => SourceRepository;
  readonly onBytes: (bytes: number) => void;
  readonly trust: TrustGate;
  /** Hears of a pull that found everything in the cache. */
  readonly onSettled?: ((settled: SettledPull) => void) | undefined;
}

/** Layers of one artifact that are downloaded at once. */
const parallelBlobs = 4;

/** Resolves, downloads what is missing, and shows the content layer at the guide's path. */
export async function pull(
  request: PullRequest,
  parts: PullParts,
  options: LookupOptions,
): Promise<PulledArtifact> {
  const { name } = request;
  const root = await parts.lookup.find(name, options);
  const reference = formatReference(name);
  const { manifest } = root;
  const { cache, connect } = parts;
  await parts.trust.ensure({ name, manifest, source: connect, cache }, { signal: options.signal });
  options.onEvent?.({ type: 'resolve', reference, digest: root.manifest.descriptor.digest });
  await using lease = parts.cache.lease();
  const image = await imageOf(root, name, { lookup: parts.lookup, options });
  const layer = selectContentLayer(image.document, request.layer);
  const blobs = distinct(childrenOf(image.manifest));
  const wasHeld = await hold({ lease, root, image: image.manifest, blobs }, parts, {
    name,
    signal: options.signal,
  });
  const digests = [manifest, image.manifest].map(({ descriptor }) => descriptor.digest);
  const evidence = wasHeld
    ? cache.evidence({
        reference: name,
        digests: [...digests, ...blobs.map(({ digest }) => digest)],
        view: request.view,
      })
    : undefined;
  await parts.lookup.keep(name, root.manifest, options);

  // A cache that others may write proves nothing by sizes and times.
  const rehash = parts.trust.needsSignature(name);
  const { stored, downloaded } = await obtain(blobs, parts, { ...options, rehash });
  const blob = stored.get(layer.digest);
  if (!blob) throw new OciError('INTERNAL', `${layer.digest} vanished while it was pulled`);
  const { descriptor } = root.manifest;
  if (!wasHeld) {
    await parts.cache.index.add({ descriptor, name });
    await parts.cache.inventory.indexed(name);
  }
  const view = await parts.cache.views.materialise({
    name: request.view,
    reference: name,
    manifestDigest: descriptor.digest,
    blob,
    rehash,
  });
  const fromCache = !downloaded && root.fromCache;
  const pulled = {
    path: view.path,
    reference,
    digest: layer.digest,
    size: layer.size,
    mediaType: layer.mediaType,
    manifestDigest: descriptor.digest,
    fromCache,
  };
  if (fromCache && evidence?.holds()) parts.onSettled?.({ pulled, blobs, evidence });
  return pulled;
}

async function imageOf(
  root: FoundManifest,
  name: ManifestName,
  { lookup, options }: { lookup: ManifestLookup; options: LookupOptions },
): Promise<{ manifest: ResolvedManifest; document: ImageManifest }> {
  const { manifest } = root;
  if (manifest.kind === 'image') return { manifest, document: manifest.document };
  const child = await lookup.findChild(name, selectManifest(manifest.document), options);
  if (child.manifest.kind === 'image') {
    return { manifest: child.manifest, document: child.manifest.document };
  }
  throw new OciError('UNSUPPORTED', `${formatReference(name)} is an index of indexes`);
}

/**
 * Keeps an artifact's content from being removed: by a lease while the pull runs, by its manifest after.
 *
 * @returns whether an earlier pull has come to its end, and noted all
 */
async function hold(
  what: {
    lease: Lease;
    root: FoundManifest;
    image: ResolvedManifest;
    blobs: readonly Descriptor[];
  },
  parts: PullParts,
  { signal, name }: { signal?: AbortSignal | undefined; name: ManifestName },
): Promise<boolean> {
  const { lease, root, image, blobs } = what;
  const { inventory } = parts.cache;
  const manifests = [root.manifest.descriptor, image.descriptor] as const;
  await lease.add(
    [...manifests, ...blobs].map(({ digest }) => digest),
    signal,
  );
  if (root.fromCache && (await inventory.isIndexed(name))) return true;
  if (image !== root.manifest) await inventory.hold(manifests[0].digest, [image.descriptor]);
  await inventory.hold(image.descriptor.digest, blobs);
  return false;
}

/** The blobs of an artifact: those that are here, and then, when there is room for all, the others. */
async function obtain(
  blobs: readonly Descriptor[],
  parts: PullParts,
  options: LookupOptions & { readonly rehash: boolean },
): Promise<{ stored: ReadonlyMap<string, StoredBlob>; downloaded: boolean }> {
  const { content, downloads } = parts.cache;
  const { onEvent, policy, signal, rehash } = options;
  const stored = new Map<string, StoredBlob>();
  const missing: Descriptor[] = [];
  const known = async (blob: Descriptor): Promise<StoredBlob | undefined> => {
    const bytes = withoutRequest(blob);
    if (!bytes) return undefined;
    await content.pushBlob(blob, singleChunk(bytes), { signal });
    return content.get(blob, { signal });
  };
  const look = async (blob: Descriptor, signal: AbortSignal): Promise<void> => {
    const found = await content.get(blob, { signal, onEvent, rehash });
    if (!found) {
      const added = await known(blob);
      if (added) stored.set(blob.digest, added);
      else missing.push(blob);
      return;
    }
    stored.set(blob.digest, found);
    onEvent?.({ type: 'cached', digest: blob.digest, size: blob.size });
  };
  await forEachConcurrent(blobs, look, { limit: parallelBlobs, signal });
  const [first] = missing;
  if (!first) return { stored, downloaded: false };
  if (policy.offline) throw notInCache(first);
  await downloads.ensureSpace(missing);
  const source = parts.connect();
  const count = counted(parts.onBytes, onEvent);
  const download = async (blob: Descriptor, signal: AbortSignal): Promise<void> => {
    stored.set(blob.digest, await downloads.obtain(blob, source, { signal, onEvent: count }));
  };
  await forEachConcurrent(missing, download, { limit: parallelBlobs, signal });
  return { stored, downloaded: true };
}

/** Passes events on, and adds up the bytes that came: those that an earlier download brought did not. */
function counted(
  onBytes: (bytes: number) => void,
  onEvent: EventListener | undefined,
): EventListener {
  const done = new Map<Digest, number>();
  return (event) => {
    if (event.type === 'start') done.set(event.digest, 0);
    if (event.type === 'resume') done.set(event.digest, event.offset);
    if (event.type === 'bytes') {
      const before = done.get(event.digest) ?? 0;
      // Fewer than before are of a download that was begun anew.
      onBytes(event.done >= before ? event.done - before : event.done);
      done.set(event.digest, event.done);
    }
    onEvent?.(event);
  };
}

/** Content that nobody has to be asked for: what the manifest carries, and the empty config. */
function withoutRequest(blob: Descriptor): Uint8Array | undefined {
  if (blob.digest === emptyDescriptor.digest && blob.size === emptyDescriptor.size)
    return Buffer.from('{}');
  return embeddedContent(blob);
}

function notInCache(blob: Descriptor): OciError {
  return new OciError('OFFLINE', `${blob.digest} is not in the cache`, {
    hint: 'Pull it once without --offline.',
  });
}

function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(descriptors.map((blob) => [blob.digest, blob])).values()];
}
