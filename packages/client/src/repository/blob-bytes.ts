import {
  type BlobSink,
  type BlobSource,
  type CallOptions,
  type Descriptor,
  OciError,
  maxManifestSize,
  singleChunk,
} from '@oci/spec-types';
import { digestOf, embeddedContent, readBytes } from '@oci/spec-types/node';

import type { RepeatableBody } from '../upload/blob-body.js';
import { checkMediaType } from './arguments.js';

export interface FetchBytesOptions extends CallOptions {
  /** Bytes at most, from 1. Default 4 MiB, which no config exceeds. */
  readonly limit?: number | undefined;
}

/**
 * Reads a small blob into memory, verified; without a request where the descriptor carries it.
 *
 * @throws OciError `LIMIT_EXCEEDED` before anything is fetched, `BLOB_UNKNOWN`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`
 */
export async function fetchBytes(
  source: BlobSource,
  descriptor: Descriptor,
  { limit = maxManifestSize, ...call }: FetchBytesOptions,
): Promise<Uint8Array> {
  const { digest, size } = descriptor;
  if (!(Number.isSafeInteger(limit) && limit > 0)) {
    throw new OciError('USAGE', `a limit is a number of bytes, not ${String(limit)}`, {
      hint: 'Give a whole number above 0.',
    });
  }
  if (size > limit) {
    throw new OciError('LIMIT_EXCEEDED', `${digest} has ${size} bytes, the limit is ${limit}`, {
      hint: 'Give a higher limit, or read it as a stream by fetchBlob.',
    });
  }
  const embedded = embeddedContent(descriptor);
  return embedded ?? readBytes(await source.fetchBlob(descriptor, call), { limit, what: digest });
}

export interface PushBytesOptions extends CallOptions {
  /** Default `application/octet-stream`. */
  readonly mediaType?: string | undefined;
}

/** Pushes bytes as a blob. @returns its descriptor, for a manifest */
export async function pushBytes(
  sink: BlobSink,
  bytes: Uint8Array,
  { mediaType = 'application/octet-stream', ...call }: PushBytesOptions,
): Promise<Descriptor> {
  checkMediaType(mediaType);
  if (!(bytes instanceof Uint8Array)) {
    throw new OciError('USAGE', `bytes are a Uint8Array, not a ${typeof bytes}`, {
      hint: 'Encode text by new TextEncoder().encode(text).',
    });
  }
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  const body: RepeatableBody = {
    isRepeatable: true,
    [Symbol.asyncIterator]: () => singleChunk(bytes),
  };
  await sink.pushBlob(descriptor, body, call);
  return descriptor;
}
