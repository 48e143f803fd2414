import { setTimeout as sleep } from 'node:timers/promises';

import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Retries, defaultRetryRule } from '@oci/spec-types/retry';

import type { PutCondition } from '../store/object-store.js';
import { type Bucket, abortable, locationOf } from './bucket.js';
import { isAbsent, isConflict, isRefusedByCondition, onBucket } from './s3-failure.js';

/** A write that meets another of the same object is not done, and tried again soon. */
const conflictRule = { ...defaultRetryRule, attempts: 8, baseDelayMs: 50, maxDelayMs: 400 };

/**
 * Writes a small object under a condition (`If-None-Match`, `If-Match`), by one request where it holds.
 *
 * @returns the new version, or undefined when the condition does not hold
 * @throws OciError `STORAGE_FAILED`, retryable: the object may have been written all the same
 */
export async function writeConditionally(
  bucket: Bucket,
  { key, bytes }: { readonly key: string; readonly bytes: Uint8Array },
  { condition, signal }: { condition: PutCondition; signal?: AbortSignal | undefined },
): Promise<string | undefined> {
  if ('ifAbsent' in condition)
    return send(bucket, { key, bytes, headers: { IfNoneMatch: '*' } }, signal);
  const { ifVersion } = condition;
  const replace = (IfMatch: string): Promise<string | undefined> =>
    send(bucket, { key, bytes, headers: { IfMatch } }, signal);
  const unquoted = ifVersion.replace(/^"(.*)"$/, '$1');
  if (bucket.matches.isUnquoted) return replace(unquoted);
  const written = await replace(ifVersion);
  if (written !== undefined || unquoted === ifVersion) return written;
  if (!(await isOfVersion(bucket, { key, version: ifVersion }, signal))) return undefined;
  // Ceph's radosgw 16 compares what stands in the header, quotes and all.
  const replaced = await replace(unquoted);
  if (replaced !== undefined) bucket.matches.isUnquoted = true;
  return replaced;
}

async function isOfVersion(
  bucket: Bucket,
  { key, version }: { readonly key: string; readonly version: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const command = new HeadObjectCommand(locationOf(bucket, key));
  try {
    return (await bucket.client.send(command, abortable(signal))).ETag === version;
  } catch (error) {
    if (isAbsent(error)) return false;
    return onBucket(key, () => Promise.reject(error));
  }
}

async function send(
  bucket: Bucket,
  {
    key,
    bytes,
    headers,
  }: {
    readonly key: string;
    readonly bytes: Uint8Array;
    readonly headers: { readonly IfNoneMatch: string } | { readonly IfMatch: string };
  },
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const command = new PutObjectCommand({ ...locationOf(bucket, key), ...headers, Body: bytes });
  const retries = new Retries(conflictRule);
  for (;;) {
    try {
      const { ETag = '' } = await bucket.once.send(command, abortable(signal));
      return ETag;
    } catch (error) {
      // `If-Match` of an object that is gone is answered by 404 at AWS, and by 412 elsewhere.
      if (isRefusedByCondition(error) || isAbsent(error)) return undefined;
      const next = retries.next({ retryable: isConflict(error) });
      if (!next.again) return onBucket(key, () => Promise.reject(error));
      await sleep(next.delayMs);
    }
  }
}
