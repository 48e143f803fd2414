import type { Cache, SingleFlight, StoredBlob, ViewName } from '@oci/cache';
import type { RemoteRepository } from '@oci/client';
import {
  type Descriptor,
  type EventListener,
  type ImageManifest,
  OciError,
  type ResolvedManifest,
  annotations,
  childrenOf,
  formatReference,
} from '@oci/spec-types';

import { forEachConcurrent } from './concurrency.js';
import { selectContentLayer } from './content-layer.js';
import type {
  FoundManifest,
  LookupOptions,
  ManifestLookup,
  ManifestName,
} from './manifest-lookup.js';
import { selectManifest } from './platform.js';

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
  readonly downloads: SingleFlight<StoredBlob>;
  readonly connect: () => RemoteRepository;
  readonly onBytes: (bytes: number) => void;
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
  options.onEvent?.({ type: 'resolve', reference, digest: root.manifest.descriptor.digest });
  const image = await imageOf(root, name, { lookup: parts.lookup, options });
  const layer = selectContentLayer(image.document, request.layer);

  let downloaded = false;
  const stored = new Map<string, StoredBlob>();
  const fetch = async (blob: Descriptor, signal: AbortSignal): Promise<void> => {
    const found = await parts.cache.content.get(blob, { signal });
    if (found) options.onEvent?.({ type: 'cached', digest: blob.digest, size: blob.size });
    else downloaded = true;
    stored.set(blob.digest, found ?? (await download(blob, parts, { ...options, signal })));
  };
  await forEachConcurrent(distinct(childrenOf(image.manifest)), fetch, {
    limit: parallelBlobs,
    signal: options.signal,
  });

  const blob = stored.get(layer.digest);
  if (!blob) throw new OciError('INTERNAL', `${layer.digest} vanished while it was pulled`);
  const { descriptor } = root.manifest;
  await parts.cache.index.add({ descriptor, name });
  const view = await parts.cache.views.materialise({
    name: request.view,
    registry: name.registry,
    repository: name.repository,
    manifestDigest: descriptor.digest,
    blob,
  });
  return {
    path: view.path,
    reference,
    digest: layer.digest,
    size: layer.size,
    mediaType: layer.mediaType,
    manifestDigest: descriptor.digest,
    fromCache: !downloaded && root.fromCache,
  };
}

async function imageOf(
  root: FoundManifest,
  name: ManifestName,
  { lookup, options }: { lookup: ManifestLookup; options: LookupOptions },
): Promise<{ manifest: ResolvedManifest; document: ImageManifest }> {
  const { manifest } = root;
  if (manifest.kind === 'image') return { manifest, document: manifest.document };
  const child = await lookup.findChild(name.repository, selectManifest(manifest.document), options);
  if (child.manifest.kind === 'image') {
    return { manifest: child.manifest, document: child.manifest.document };
  }
  throw new OciError('UNSUPPORTED', `${formatReference(name)} is an index of indexes`);
}

async function download(
  blob: Descriptor,
  parts: PullParts,
  options: LookupOptions,
): Promise<StoredBlob> {
  if (options.policy.offline) {
    throw new OciError('OFFLINE', `${blob.digest} is not in the cache`, {
      hint: 'Pull it once without --offline.',
    });
  }
  const run = async (signal: AbortSignal): Promise<StoredBlob> => {
    const { onEvent } = options;
    const title = blob.annotations?.[annotations.title];
    onEvent?.({
      type: 'start',
      digest: blob.digest,
      size: blob.size,
      ...(title !== undefined && { title }),
    });
    const body = await parts.connect().fetchBlob(blob, { signal, ...(onEvent && { onEvent }) });
    await parts.cache.content.pushBlob(
      blob,
      reported(body, blob, { onEvent, onBytes: parts.onBytes }),
      { signal },
    );
    const stored = await parts.cache.content.get(blob, { signal });
    if (!stored)
      throw new OciError('STORAGE_FAILED', `${blob.digest} is damaged right after it was written`);
    onEvent?.({ type: 'done', digest: blob.digest, size: blob.size });
    return stored;
  };
  return parts.downloads.do(blob.digest, run, options.signal ? { signal: options.signal } : {});
}

async function* reported(
  body: AsyncIterable<Uint8Array>,
  { digest, size }: Descriptor,
  to: { onEvent: EventListener | undefined; onBytes: (bytes: number) => void },
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of body) {
    done += chunk.byteLength;
    to.onBytes(chunk.byteLength);
    to.onEvent?.({ type: 'bytes', digest, done, size });
    yield chunk;
  }
}

function distinct(descriptors: readonly Descriptor[]): Iterable<Descriptor> {
  return new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values();
}
