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

/** What to do about failures that S3 has a name for. */
const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket, or correct its name.',
  PermanentRedirect: 'The bucket is in another region: correct the region.',
  AuthorizationHeaderMalformed: 'The bucket is in another region: correct the region.',
  RequestTimeTooSkewed: 'The clock of this machine is wrong: set it, by NTP for example.',
  InvalidAccessKeyId: 'The access key is unknown there: check the credentials and the endpoint.',
  SignatureDoesNotMatch: 'The secret key is wrong: check the credentials.',
  ExpiredToken: 'The session token has ended: renew the credentials.',
  InvalidToken: 'The session token is wrong: renew the credentials.',
  CredentialsProviderError:
    'There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name files that hold them.',
};

/** What to do about a certificate that is not trusted. */
const certificateHint =
  'Name the authorities of its certificate: server.storage.ca_file of oci-server, ca of the library.';

const deniedNames = new Set([
  'CredentialsProviderError',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InvalidToken',
]);

function bucketFailure(key: string, cause: unknown): unknown {
  if (isOciError(cause)) return cause;
  if (!(cause instanceof Error)) return cause;
  if (cause.name === 'AbortError') return asOciError(cause);
  const status = statusOf(cause);
  const what = `${cause.name}: ${cause.message}`;
  if (status === 401 || status === 403 || deniedNames.has(cause.name)) {
    return new OciError('STORAGE_DENIED', `the bucket refuses ${key} (${what})`, {
      cause,
      hint: hints[cause.name] ?? 'Check the credentials, and what the policy of the bucket allows.',
    });
  }
  if (status === 507 || hasName(cause, 'QuotaExceeded', 'XMinioStorageFull')) {
    return new OciError('STORAGE_FULL', `the bucket has no room for ${key} (${what})`, { cause });
  }
  if (status === undefined && !isNetworkError(cause)) return cause;
  return new OciError('STORAGE_FAILED', `the bucket failed with ${key} (${what})`, {
    cause,
    retryable: status === undefined || status >= 500 || status === 429,
    hint: isCertificateError(cause)
      ? certificateHint
      : (hints[cause.name] ?? 'Check that the endpoint is right, and that the bucket answers.'),
  });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function hasName(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof S3ServiceException && names.includes(error.name);
}

function isNetworkError(error: Error): boolean {
  return 'syscall' in error || 'code' in error || error.name === 'TimeoutError';
}

/** Codes of OpenSSL and of Node. */
function isCertificateError(error: Error): boolean {
  const code = 'code' in error ? String(error.code) : '';
  return /CERT|VERIFY|SELF_SIGNED/.test(code) && !code.startsWith('HPE');
}
