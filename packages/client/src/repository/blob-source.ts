import {
  BlobProgress,
  type ByteRange,
  type CallOptions,
  type Descriptor,
  isOciError,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';
import { verified } from '@oci/spec-types/node';

import { RangesUnusable, checkRangeAnswer, checkWholeAnswer } from '../download/range-answer.js';
import { leastProgress } from '../download/segment-fetch.js';
import type { RegistryResponse } from '../transport/exchange.js';
import { networkFailure } from '../transport/network-failure.js';
import { Attempts } from '../transport/retry-policy.js';
import { type Span, ofLength, spanOf } from './blob-range.js';
import { type Endpoint, call } from './endpoint.js';

export interface FetchBlobOptions extends CallOptions {
  /** Only these bytes. A part has no digest, so only its length is verified: trust it as you trust the registry. */
  readonly range?: ByteRange | undefined;
}

/**
 * The bytes of a blob, verified when it is all of them. A connection that breaks in the middle is taken up again where it
 * broke, by a range request; the iteration fails when the bytes are not the descriptor's.
 */
export async function fetchBlob(
  endpoint: Endpoint,
  descriptor: Descriptor,
  { range, ...options }: FetchBlobOptions,
): Promise<AsyncIterable<Uint8Array>> {
  const span = spanOf(descriptor, range);
  const isWhole = span.end - span.start === descriptor.size;
  const first = await openBlob(endpoint, { descriptor, ...span }, options);
  const body = resuming(first, { endpoint, descriptor, span, options });
  const bytes = isWhole ? verified(body, descriptor) : ofLength(body, span, descriptor);
  const { discredit } = first.response;
  const passed = discredit ? discrediting(bytes, discredit) : bytes;
  const moved = { ...descriptor, size: span.end - span.start };
  return options.onEvent ? new BlobProgress(moved, options.onEvent).through(passed) : passed;
}

/** Bytes that have gone out can't be replaced, but whoever asks again is not given them again. */
async function* discrediting(
  bytes: AsyncIterable<Uint8Array>,
  discredit: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* bytes;
  } catch (error) {
    if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) discredit();
    throw error;
  }
}

/** An answer, and how many of its first bytes have been passed on already. */
interface OpenBlob {
  readonly response: RegistryResponse;
  readonly skip: number;
}

/** From where it broke; all of it once more where the host has no good answer to ranges. */
async function openBlob(endpoint: Endpoint, ask: BlobAsk, options: CallOptions): Promise<OpenBlob> {
  try {
    const ranges = ask.start > 0 || ask.end < ask.descriptor.size;
    return await askForBlob(endpoint, { ...ask, ranges }, options);
  } catch (error) {
    if (!(error instanceof RangesUnusable)) throw error;
    return askForBlob(endpoint, { ...ask, ranges: false }, options);
  }
}

interface BlobAsk extends Span {
  readonly descriptor: Descriptor;
}

async function askForBlob(
  endpoint: Endpoint,
  { descriptor, start, end, ranges }: BlobAsk & { readonly ranges: boolean },
  options: CallOptions,
): Promise<OpenBlob> {
  const { digest } = descriptor;
  const response = await call(endpoint, {
    ...options,
    lane: 'download',
    method: 'GET',
    target: registryPaths.blob(endpoint.name, digest),
    headers: ranges ? { range: `bytes=${start}-${end - 1}` } : {},
    subject: { name: `${endpoint.name}@${digest}`, missing: 'BLOB_UNKNOWN' },
    expected: ranges ? [200, 206, 416] : [200],
  });
  try {
    // A server that ignores ranges sends all of it again, in the answer that is here already.
    const isPart = ranges && response.status !== 200;
    if (isPart) checkRangeAnswer(response, { start, end, blob: descriptor });
    else checkWholeAnswer(response, descriptor);
    return { response, skip: isPart ? 0 : start };
  } catch (error) {
    response.body.destroy();
    throw error;
  }
}

async function* resuming(
  first: OpenBlob,
  {
    endpoint,
    descriptor,
    span: { start, end },
    options,
  }: { endpoint: Endpoint; descriptor: Descriptor; span: Span; options: CallOptions },
): AsyncGenerator<Uint8Array, void, undefined> {
  const attempts = new Attempts(endpoint.retryPolicy, options);
  let open = first;
  let offset = start;
  for (;;) {
    const before = offset;
    try {
      for await (const chunk of withoutFirst(open.response.body, open.skip)) {
        // Behind a part comes the rest, where the host ignores ranges; behind all of it nothing may come.
        const isRest = end < descriptor.size && offset + chunk.byteLength > end;
        const wanted = isRest ? chunk.subarray(0, end - offset) : chunk;
        offset += wanted.byteLength;
        yield wanted;
        if (isRest) return;
      }
      // Too few bytes are a broken connection only where the length was not announced.
      return;
    } catch (thrown) {
      const url = open.response.url;
      const error = networkFailure(thrown, { url, method: 'GET', signal: options.signal });
      if (offset >= end) throw error;
      if (offset - before >= leastProgress) attempts.advanced();
      await attempts.again(error, { host: url.host });
      open = await openBlob(endpoint, { descriptor, start: offset, end }, options);
      options.onEvent?.({
        type: 'resume',
        digest: descriptor.digest,
        offset: open.skip > 0 ? 0 : offset,
      });
    }
  }
}

async function* withoutFirst(
  body: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let skip = count;
  for await (const chunk of body) {
    if (skip >= chunk.byteLength) {
      skip -= chunk.byteLength;
      continue;
    }
    yield skip > 0 ? chunk.subarray(skip) : chunk;
    skip = 0;
  }
}
