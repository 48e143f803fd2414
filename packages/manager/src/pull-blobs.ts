import type { Cache, StoredBlob } from '@oci/cache';
import {
  type Descriptor,
  type Digest,
  type EventListener,
  OciError,
  emptyDescriptor,
  singleChunk,
} from '@oci/spec-types';
import { embeddedContent, forEachConcurrent } from '@oci/spec-types/node';

import type { SourceRepository } from './artifact-source.js';
import type { LookupOptions } from './manifest-lookup.js';

/** Where the blobs of an artifact come from. */
export interface BlobParts {
  readonly cache: Pick<Cache, 'content' | 'downloads'>;
  readonly connect: () => SourceRepository;
  readonly onBytes: (bytes: number) => void;
}

export interface ObtainOptions extends LookupOptions {
  /** Hash what is in the cache, whatever its size and time say. */
  readonly rehash: boolean;
}

/** Layers of one artifact that are downloaded at once. */
const parallelBlobs = 4;

/** The blobs of an artifact: those that are here, and then, when there is room for all, the others. */
export async function obtainBlobs(
  blobs: readonly Descriptor[],
  parts: BlobParts,
  options: ObtainOptions,
): Promise<{ stored: ReadonlyMap<string, StoredBlob>; downloaded: boolean }> {
  const { downloads } = parts.cache;
  const { onEvent, policy, signal } = options;
  const { stored, missing } = await storedBlobs(blobs, parts.cache, options);
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

async function storedBlobs(
  blobs: readonly Descriptor[],
  { content }: Pick<Cache, 'content'>,
  { onEvent, rehash, signal }: ObtainOptions,
): Promise<{ stored: Map<string, StoredBlob>; missing: Descriptor[] }> {
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
  return { stored, missing };
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
    hint: 'Pull it once while the registry may be asked.',
    reason: { kind: 'not-cached', what: 'content' },
  });
}
