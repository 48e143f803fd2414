import { type CallOptions, type Descriptor, OciError } from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { type Endpoint, call } from '../repository/endpoint.js';
import type { RegistryResponse, WrittenBody } from '../transport/exchange.js';
import { networkFailure } from '../transport/network-failure.js';
import { Attempts } from '../transport/retry-policy.js';
import { BatchWriter } from './batch-writer.js';
import type { PartialFile } from './partial-file.js';
import { checkRangeAnswer, checkWholeAnswer } from './range-answer.js';
import type { Segment } from './segment-queue.js';

/** A connection that brings less than this counts as a failure: a host may not live on one byte each. */
export const leastProgress: number = 64 * 1024;

export interface SegmentFetch {
  readonly endpoint: Endpoint;
  readonly blob: Descriptor;
  readonly file: PartialFile;
  /** Whether the host may be asked for ranges; otherwise all is asked for, and the front is skipped. */
  readonly ranges: boolean;
  /** Whether all of the blob is asked for as a range too, so that the answer shows whether they work. */
  readonly probes?: boolean;
  /** Bytes that this thread writes at once, as long as no worker does. */
  readonly batchBytes: () => number;
  readonly options: CallOptions;
  /** Called with the host that answered, once its answer was found usable. */
  readonly onAnswer: (host: string) => void;
}

/**
 * Brings one segment, by as many requests as it takes: a connection that breaks or stalls is followed by
 * another from where it stopped, as long as something comes.
 */
export async function fetchSegment(segment: Segment, fetch: SegmentFetch): Promise<void> {
  const { options } = fetch;
  const attempts = new Attempts(fetch.endpoint.retryPolicy, options);
  while (segment.remaining > 0) {
    const before = segment.position;
    const answer = await ask(segment, fetch);
    try {
      const { written } = answer.response.body;
      if (written) await follow(written, segment, fetch);
      else await receive(answer, segment, fetch);
      if (segment.remaining > 0) throw cutShort(answer.response);
    } catch (thrown) {
      const { url } = answer.response;
      const error = networkFailure(thrown, { url, method: 'GET', signal: options.signal });
      if (segment.position - before >= leastProgress) attempts.advanced();
      await attempts.again(error, { host: url.host });
    }
  }
}

/** An answer that brings the bytes from a segment's position, behind some that are skipped. */
interface Answer {
  readonly response: RegistryResponse;
  readonly skip: number;
}

async function ask(segment: Segment, fetch: SegmentFetch): Promise<Answer> {
  const { position: start, end } = segment;
  const { endpoint, blob, options, file } = fetch;
  const asksRange = fetch.ranges && (fetch.probes || !(start === 0 && end === blob.size));
  const response = await call(endpoint, {
    ...options,
    lane: 'download',
    idleMs: endpoint.downloadPolicy.stallMs,
    // What is skipped of a whole answer has its place already.
    into: asksRange || file.done === 0 ? file.place(segment) : undefined,
    method: 'GET',
    target: registryPaths.blob(endpoint.name, blob.digest),
    headers: asksRange ? { range: `bytes=${start}-${end - 1}` } : {},
    subject: { name: `${endpoint.name}@${blob.digest}`, missing: 'BLOB_UNKNOWN' },
    expected: asksRange ? [200, 206, 416] : [200],
  });
  try {
    if (asksRange) checkRangeAnswer(response, { start, end, blob });
    else checkWholeAnswer(response, blob);
  } catch (error) {
    response.body.destroy();
    throw error;
  }
  fetch.onAnswer(response.url.host);
  return { response, skip: asksRange ? 0 : start };
}

/** Writes what comes, up to the end of the segment, which another may have moved meanwhile. */
async function receive(
  { response, skip }: Answer,
  segment: Segment,
  fetch: SegmentFetch,
): Promise<void> {
  const { endpoint, blob, file, batchBytes } = fetch;
  const { size } = blob;
  const writer = new BatchWriter(file, segment.position, {
    onWritten: () => tellProgress(fetch),
    batchBytes,
  });
  let skipping = skip;
  try {
    for await (const chunk of response.body) {
      const kept = chunk.subarray(Math.min(skipping, chunk.byteLength));
      skipping -= chunk.byteLength - kept.byteLength;
      const wanted = kept.subarray(0, segment.remaining);
      segment.position += wanted.byteLength;
      endpoint.throughput.add(wanted.byteLength);
      await writer.add(wanted);
      if (wanted.byteLength === kept.byteLength) continue;
      if (segment.end === size) throw tooLong(blob);
      break;
    }
  } finally {
    await writer.end();
  }
}

/** Follows what a worker writes, up to the end of the segment, which is moved through the worker. */
async function follow(written: WrittenBody, segment: Segment, fetch: SegmentFetch): Promise<void> {
  const { endpoint, file } = fetch;
  segment.cutter = (end) => written.cut(end);
  try {
    for await (const { byteLength } of written) {
      const start = segment.position;
      segment.position += byteLength;
      endpoint.throughput.add(byteLength);
      file.wrote({ start, end: segment.position });
      tellProgress(fetch);
    }
  } finally {
    segment.cutter = undefined;
    await segment.settle();
  }
}

function tellProgress({ options, blob: { digest, size }, file }: SegmentFetch): void {
  options.onEvent?.({ type: 'bytes', digest, done: file.done, size });
}

function tooLong({ digest, size }: Descriptor): OciError {
  return new OciError('SIZE_MISMATCH', `${digest} has ${size} bytes, and more came`, {
    hint: 'The registry or something on the way altered it. Nothing was kept.',
  });
}

/** Without an announced length, a body that ends early looks like one that ends. */
function cutShort(response: RegistryResponse): OciError {
  return new OciError('NETWORK', `${response.url.host} ended the answer early`, {
    retryable: true,
    hint: 'Try again; if it stays, the registry lacks a part of the blob.',
  });
}
