import { resolve } from 'node:path';

import {
  BlobProgress,
  type CallOptions,
  type Descriptor,
  type OciError,
  type VerifiedFile,
  isOciError,
  throwIfAborted,
  verifiableAlgorithm,
} from '@oci/spec-types';

import { refuseDirectory } from '@oci/files';

import { type Endpoint, withoutMirrors } from '../repository/endpoint.js';
import { batchSize } from './batch-writer.js';
import { segmentSize } from './download-policy.js';
import { PartialFile, discardPartial } from './partial-file.js';
import { RangesUnusable } from './range-answer.js';
import { type SegmentFetch, fetchSegment } from './segment-fetch.js';
import { Segment, SegmentQueue } from './segment-queue.js';
import { WorkerGroup } from './worker-group.js';

/**
 * Downloads a blob to a file: in parallel closed ranges where the registry serves them, going on from
 * what an earlier call left there, also one of a process that was killed. Nothing is at `path` before it
 * is whole and verified: what came so far is beside it, at `<path>.partial`. That stays when the download is
 * interrupted; bytes that turn out wrong are put aside, asked for once more from the first, and then
 * thrown away. One path is for one download at a time: its caller sees to that.
 *
 * @throws OciError `USAGE` for a directory, `BLOB_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `DIGEST_UNSUPPORTED`, and what a
 * request fails with
 */
export async function downloadBlob(
  endpoint: Endpoint,
  target: { readonly blob: Descriptor; readonly path: string },
  options: CallOptions,
): Promise<VerifiedFile> {
  const { blob } = target;
  const path = resolve(target.path);
  verifiableAlgorithm(blob.digest);
  throwIfAborted(options.signal);
  await refuseDirectory(path);
  new BlobProgress(blob, options.onEvent).start();
  const settle = endpoint.throughput.want(blob.size);
  try {
    await downloadWanted({ endpoint, blob, path, options });
  } finally {
    settle();
  }
  return { descriptor: blob, path, __brand: 'VerifiedFile' };
}

async function downloadWanted(download: Download): Promise<void> {
  const { endpoint, path, options } = download;
  const failure = await attempt(download).catch((error: unknown) => {
    // What has another size at a mirror may be right at the registry.
    if (endpoint.asksMirrors && isOciError(error, 'SIZE_MISMATCH')) return error;
    throw error;
  });
  if (failure) {
    options.onEvent?.({ type: 'warning', message: `${failure.message}: it is fetched once more` });
    const again = await attempt({ ...download, endpoint: withoutMirrors(endpoint) });
    if (again) {
      await discardPartial(path);
      throw again;
    }
  }
}

interface Download {
  readonly endpoint: Endpoint;
  readonly blob: Descriptor;
  readonly path: string;
  readonly options: CallOptions;
}

/** @returns what is wrong with the bytes, all of which came and were put aside; undefined when they are right */
async function attempt({ endpoint, blob, path, ...ask }: Download): Promise<OciError | undefined> {
  const file = await PartialFile.open(
    path,
    blob,
    await endpoint.openWorkers(mostWorkers(endpoint, blob)),
  );
  const progress = new BlobProgress(blob, ask.options.onEvent);
  const options = { ...ask.options, onEvent: progress.below() };
  let wrong: OciError | undefined;
  try {
    if (file.done > 0)
      options.onEvent?.({ type: 'resume', digest: blob.digest, offset: file.done });
    await fill(file, { endpoint, blob, options });
    options.onEvent?.({ type: 'verify', digest: blob.digest });
    wrong = await file.verify().then(
      () => undefined,
      (error: unknown) => {
        if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) return error;
        throw error;
      },
    );
  } catch (error) {
    await file.close();
    if (isOciError(error, 'SIZE_MISMATCH') || file.done === 0) await discardPartial(path);
    throw error;
  }
  if (!wrong) {
    await file.complete();
    progress.done();
    return undefined;
  }
  await file.close();
  await file.quarantine();
  return wrong;
}

/** Bytes of a blob that a worker may bring beside others. */
const workedFrom = 256 * 1024;

/** Workers that a blob may have: all if it is large, one that it shares if all that is wanted together is. */
function mostWorkers({ downloadPolicy, throughput }: Endpoint, { size }: Descriptor): number {
  if (size >= downloadPolicy.parallelFrom) return Infinity;
  return size >= workedFrom && throughput.wanted >= downloadPolicy.parallelFrom ? 1 : 0;
}

type Filling = Pick<SegmentFetch, 'endpoint' | 'blob' | 'options'>;

/** Fetches what is missing: in ranges, or where they turn out unusable, as one stream. */
async function fill(file: PartialFile, filling: Filling): Promise<void> {
  const { endpoint, blob, options } = filling;
  const { rangeSupport } = endpoint;
  const { host } = endpoint.origin;
  if (rangeSupport.of(host) !== false) {
    try {
      return await fillInRanges(file, filling);
    } catch (error) {
      if (!(error instanceof RangesUnusable)) throw error;
      rangeSupport.learn(error.host, false);
      rangeSupport.answered(host, error.host);
      options.onEvent?.({ type: 'warning', message: `${error.message}: one connection is used` });
    }
  }
  const rest = new Segment({ start: file.prefix, end: blob.size });
  if (rest.remaining === 0) return;
  const onAnswer = (by: string): void => rangeSupport.answered(host, by);
  await fetchSegment(rest, {
    ...filling,
    file,
    ranges: false,
    batchBytes: () => batchSize(1),
    onAnswer,
  });
}

async function fillInRanges(file: PartialFile, filling: Filling): Promise<void> {
  const { endpoint, blob, options } = filling;
  const { rangeSupport, throughput, downloadPolicy: policy } = endpoint;
  const { host } = endpoint.origin;
  const isSmall = blob.size < policy.parallelFrom;
  const isOne = isSmall || policy.connections === 1;
  const beginsAlone = !isOne && !throughput.isSlow;
  const share = segmentSize(policy, blob.size - file.done);
  const queue = new SegmentQueue(file.gaps(), {
    most: isSmall || beginsAlone ? blob.size : share,
    least: policy.leastBytes,
  });
  const workers = new WorkerGroup(options.signal);
  let unwatch: (() => void) | undefined;
  let isOver = false;
  const startAll = (): void => {
    if (isOver) return;
    while (workers.count < policy.connections && queue.hasWork) workers.start(work);
  };
  const grow = (): void => {
    if (!beginsAlone) return startAll();
    unwatch ??= throughput.watch(() => void queue.divide(share).then(startAll));
  };
  const fetch: SegmentFetch = {
    ...filling,
    file,
    ranges: true,
    probes: !isSmall,
    batchBytes: () => batchSize(workers.count),
    options: { ...options, signal: workers.signal },
    onAnswer: (by) => {
      rangeSupport.answered(host, by);
      if (isSmall) return;
      // The first answer shows that ranges work; before, nobody else asks for them.
      rangeSupport.learn(by, true);
      grow();
    },
  };
  const work = async (): Promise<void> => {
    for (let segment = await queue.take(); segment; segment = await queue.take()) {
      await fetchSegment(segment, fetch);
      queue.finish(segment);
    }
  };
  if (queue.hasWork) workers.start(work);
  if (!isSmall && !beginsAlone && rangeSupport.of(host) === true) startAll();
  await workers.ended().finally(() => {
    isOver = true;
    unwatch?.();
  });
}
