import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';

import { type Bucket, abortable } from './bucket.js';
import { onBucket } from './s3-failure.js';

/** What time a service says that it is; milliseconds since the epoch. */
export interface ServiceTime {
  /** In whole seconds. */
  readonly time: number;
  /** By the clock of this machine, as `receivedAt`. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** Reads the `Date` of an answer; undefined where it has none. */
export async function serviceTime(
  bucket: Bucket,
  signal: AbortSignal | undefined,
): Promise<ServiceTime | undefined> {
  const command = new ListObjectsV2Command({
    Bucket: bucket.name,
    Prefix: bucket.prefix,
    MaxKeys: 1,
  });
  let date: string | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      date = dateOf(result.response);
      return result;
    },
    { step: 'deserialize', name: 'noteDate' },
  );
  const sentAt = Date.now();
  await onBucket(bucket.prefix, () => bucket.client.send(command, abortable(signal)));
  const receivedAt = Date.now();
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : { time, sentAt, receivedAt };
}

/** Multipart uploads below a prefix that were not completed, at most 1000. */
export async function countOpenUploads(
  bucket: Bucket,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const Prefix = `${bucket.prefix}${prefix}`;
  const command = new ListMultipartUploadsCommand({ Bucket: bucket.name, Prefix });
  const { Uploads = [] } = await onBucket(prefix, () =>
    bucket.client.send(command, abortable(signal)),
  );
  // Some services pass over the prefix.
  return Uploads.filter(({ Key }) => Key?.startsWith(Prefix)).length;
}

function dateOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response))
    return undefined;
  const { date } = response.headers as Readonly<Record<string, string | undefined>>;
  return date;
}
