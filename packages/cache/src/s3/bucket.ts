import type { S3Client } from '@aws-sdk/client-s3';

import type { Deadlines } from './deadlines.js';

/** Where objects are in a bucket. */
export interface Bucket {
  readonly client: S3Client;
  /** Sends each request once: of a conditional write that is sent again it is not known which one counted. */
  readonly once: S3Client;
  readonly deadlines: Deadlines;
  readonly name: string;
  /** In front of every key; empty, or ends with a slash. */
  readonly prefix: string;
  /** Bytes of a part of a large object; at least 5 MiB, which S3 wants of all but the last. */
  readonly partBytes: number;
  /** How the service was seen to compare `If-Match`. */
  readonly matches: { isUnquoted: boolean };
}

/** What S3 wants of every part of a multipart upload but the last, in bytes. */
export const leastPartBytes: number = 5 * 1024 * 1024;

/** Names an object for a request. */
export function locationOf(
  bucket: Bucket,
  key: string,
): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: bucket.name, Key: `${bucket.prefix}${key}` };
}

/** `CopySource` of a request, escaped as it wants. */
export function copySource(bucket: Bucket, key: string): string {
  return `${bucket.name}/${bucket.prefix}${key}`.split('/').map(encodeURIComponent).join('/');
}

/** The options of a request that ends with a signal. */
export function abortable(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal ? { abortSignal: signal } : {};
}

/** As {@link abortable}, of a request that carries content, or has the service copy or join it. */
export function withContent(
  { deadlines }: Bucket,
  signal: AbortSignal | undefined,
): ReturnType<typeof abortable> & { readonly requestTimeout: number } {
  return { ...abortable(signal), requestTimeout: deadlines.contentMs };
}
