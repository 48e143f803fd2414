import { S3ServiceException } from '@aws-sdk/client-s3';
import { OciError, asOciError, isOciError } from '@oci/spec-types';

/** Runs a request to a bucket and tells its failure in our terms. @throws OciError `STORAGE_…`, `ABORTED` */
export async function onBucket<T>(key: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw bucketFailure(key, error);
  }
}

/** Whether a bucket said that the object is not there. */
export function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && !hasName(error, 'NoSuchBucket', 'NoSuchUpload');
}

/** Whether a bucket said that a condition does not hold. */
export function isRefusedByCondition(error: unknown): boolean {
  return statusOf(error) === 412 || hasName(error, 'PreconditionFailed');
}

/** Whether another wrote the same object at the same time, so that it has to be tried again. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 409 && !hasName(error, 'NoSuchUpload');
}

export function isBeyondEnd(error: unknown): boolean {
  return statusOf(error) === 416 || hasName(error, 'InvalidRange');
}

function bucketFailure(key: string, cause: unknown): unknown {
  if (isOciError(cause)) return cause;
  if (cause instanceof Error && cause.name === 'AbortError') return asOciError(cause);
  const status = statusOf(cause);
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'no answer';
  if (status === 401 || status === 403) {
    return new OciError('STORAGE_DENIED', `the bucket refuses ${key} (${what})`, {
      cause,
      hint: 'Check the credentials, and what the policy of the bucket allows.',
    });
  }
  if (status === 507 || hasName(cause, 'QuotaExceeded', 'XMinioStorageFull')) {
    return new OciError('STORAGE_FULL', `the bucket has no room for ${key} (${what})`, { cause });
  }
  if (!(cause instanceof S3ServiceException) && !isNetworkError(cause)) return cause;
  return new OciError('STORAGE_FAILED', `the bucket failed with ${key} (${what})`, {
    cause,
    retryable: status === undefined || status >= 500 || status === 429,
    hint: 'Check the endpoint, the region and the name of the bucket.',
  });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function hasName(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof S3ServiceException && names.includes(error.name);
}

function isNetworkError(error: unknown): boolean {
  return error instanceof Error && ('syscall' in error || error.name === 'TimeoutError');
}
