import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';

import {
  type Descriptor,
  OciError,
  type VerifiedFile,
  isOciError,
  throwIfAborted,
  verifiableAlgorithm,
} from '@oci/spec-types';

import type { Endpoint, RemoteOptions } from '../repository/endpoint.js';
import { journalPath } from './journal.js';
import { PartialFile } from './partial-file.js';
import { RangesUnusable } from './range-answer.js';
import { type SegmentFetch, fetchSegment } from './segment-fetch.js';
import { SegmentQueue } from './segment-queue.js';

/** How a large blob is divided. Bytes, and requests at once. */
export interface DownloadPolicy {
  /** Requests for one blob at once, 1 and more. Default 8. */
  readonly connections: number;
  /** Bytes that one request asks for, at most. Default 16 MiB. */
  readonly segmentBytes: number;
  /** What is left of a segment is not divided below this. Default 1 MiB. */
  readonly leastBytes: number;
  /** A blob below this comes by one request. Default 8 MiB. */
  readonly parallelFrom: number;
}

export const defaultDownloadPolicy: DownloadPolicy = {
  connections: 8,
  segmentBytes: 16 * 1024 * 1024,
  leastBytes: 1024 * 1024,
  parallelFrom: 8 * 1024 * 1024,
};

/**
 * Downloads a blob to a file: in parallel closed ranges where the registry serves them, going on from
 * what an earlier call left there, also one of a process that was killed. What was downloaded stays when
 * it is interrupted; bytes that turn out wrong are thrown away, and asked for once more from the first.
 *
 * @throws OciError `BLOB_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DIGEST_UNSUPPORTED`, and what a
 * request fails with
 */
export async function downloadBlob(
  endpoint: Endpoint,
  target: { readonly blob: Descriptor; readonly path: string },
  options: RemoteOptions,
): Promise<VerifiedFile> {
  const { blob } = target;
  const path = resolve(target.path);
  verifiableAlgorithm(blob.digest);
  throwIfAborted(options.signal);
  try {
    return await attempt(endpoint, { blob, path }, options);
  } catch (error) {
    if (!isOciError(error, 'DIGEST_MISMATCH')) throw await cleanUp(error, path);
    options.onEvent?.({ type: 'warning', message: `${error.message}: it is fetched once more` });
    await discard(path);
    const fromRegistry = { ...options, skipMirrors: true };
    return await attempt(endpoint, { blob, path }, fromRegistry).catch(async (again: unknown) => {
      throw await cleanUp(again, path);
    });
  }
}

/** Wrong bytes are not gone on with; all others are. */
async function cleanUp(error: unknown, path: string): Promise<unknown> {
  if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'BLOB_UNKNOWN')) await discard(path);
  return error;
}

async function discard(path: string): Promise<void> {
  for (const file of [path, journalPath(path)]) await rm(file, { force: true });
}

async function attempt(
  endpoint: Endpoint,
  { blob, path }: { blob: Descriptor; path: string },
  options: RemoteOptions,
): Promise<VerifiedFile> {
  const file = await PartialFile.open(path, blob);
  try {
    if (file.done > 0)
      options.onEvent?.({ type: 'resume', digest: blob.digest, offset: file.done });
    await fill(file, { endpoint, blob, options });
    options.onEvent?.({ type: 'verify', digest: blob.digest });
    await file.verify();
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.complete();
  return { descriptor: blob, path, __brand: 'VerifiedFile' };
}

type Filling = Pick<SegmentFetch, 'endpoint' | 'blob' | 'options'>;

/** Fetches what is missing: in ranges, or where they turn out unusable, as one stream. */
async function fill(file: PartialFile, filling: Filling): Promise<void> {
  const { endpoint, blob, options } = filling;
  const { rangeSupport } = endpoint;
  const host = endpoint.origin.host;
  if (rangeSupport.get(host) !== false) {
    try {
      return await fillInRanges(file, filling);
    } catch (error) {
      if (!(error instanceof RangesUnusable)) throw error;
      rangeSupport.set(host, false);
      options.onEvent?.({ type: 'warning', message: `${error.message}: one connection is used` });
    }
  }
  const rest = new SegmentQueue([{ start: file.prefix, end: blob.size }], {
    most: blob.size,
    least: blob.size,
  });
  const segment = rest.take();
  if (segment) await fetchSegment(segment, { ...filling, file, ranges: false, onAnswer: () => {} });
}

async function fillInRanges(file: PartialFile, filling: Filling): Promise<void> {
  const { endpoint, blob, options } = filling;
  const policy = endpoint.downloadPolicy;
  const isSmall = blob.size < policy.parallelFrom;
  const queue = new SegmentQueue(file.gaps(blob.size), {
    most: isSmall ? blob.size : policy.segmentBytes,
    least: policy.leastBytes,
  });
  if (queue.width === 0) return;
  const host = endpoint.origin.host;
  const workers = new WorkerGroup(options.signal);
  const fetch: SegmentFetch = {
    ...filling,
    file,
    ranges: true,
    options: { ...options, signal: workers.signal },
    onAnswer: () => {
      if (isSmall) return;
      // The first answer shows that ranges work; before, nobody else asks for them.
      endpoint.rangeSupport.set(host, true);
      startAll();
    },
  };
  const work = async (): Promise<void> => {
    for (let segment = queue.take(); segment; segment = queue.take()) {
      await fetchSegment(segment, fetch);
      queue.finish(segment);
    }
  };
  const startAll = (): void => {
    while (workers.count < policy.connections && queue.hasWork) workers.start(work);
  };
  workers.start(work);
  if (!isSmall && endpoint.rangeSupport.get(host) === true) startAll();
  await workers.ended();
}

/** Work that is done by several at once; when one fails the others are stopped. */
class WorkerGroup {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly signal: AbortSignal;
  #failure: { readonly error: unknown } | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
  }

  get count(): number {
    return this.#running.size;
  }

  start(work: () => Promise<void>): void {
    const run = work()
      .catch((error: unknown) => {
        this.#failure ??= { error };
        this.#stop.abort();
      })
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** @throws the first failure */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure) throw this.#failure.error;
  }
}

/** For tests and callers that want another error than a defect for a policy that makes no sense. */
export function checkDownloadPolicy(policy: DownloadPolicy): DownloadPolicy {
  const { connections, segmentBytes, leastBytes } = policy;
  if (connections >= 1 && segmentBytes >= 1 && leastBytes >= 1) return policy;
  throw new OciError('USAGE', 'a download needs at least one connection and one byte a request', {
    hint: 'Leave the download policy out for its defaults.',
  });
}
