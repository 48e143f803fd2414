import { type OciErrorCode, asOciError, isOciError } from '@oci/spec-types';

import { QuotaExceeded, QuotaUncounted } from '../hosted/quota/quota-failure.js';
import { Refusal } from '../http/refusal.js';
import { isBodyPending } from '../http/request-body.js';
import {
  type SentErrorCode,
  registryErrorBody,
  registryErrorCode,
} from '../http/registry-error.js';
import { type ApiRequest, answer } from './api-request.js';

/** A refusal in the registry API's own terms (distribution-spec, "Error Codes"). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: SentErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  /** For programs. */
  readonly detail?: object;
  /** Whether the server's operator has to know; a mistake of the client's, or a refusal, is none. */
  readonly isDefect: boolean;

  constructor(
    status: number,
    code: SentErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.isDefect = status >= 500 && status !== 503;
  }
}

/** A storage that did not answer, or not in time: the same request may be done in a moment. */
class StorageUnavailable extends ApiError {
  override readonly isDefect = true;

  constructor() {
    super(503, 'UNSUPPORTED', 'the storage of the registry does not answer: try again', {
      'retry-after': '5',
    });
  }
}

/**
 * A push that its namespace has no room for: docker, containerd, crane and oras show the message of `DENIED` with 403,
 * as Harbor and Quay answer it, and none of them tries again.
 */
class OverQuota extends ApiError {
  override readonly detail: object;

  constructor({ message, hint, state, needed }: QuotaExceeded) {
    super(403, 'DENIED', `${message}. ${hint ?? ''}`);
    this.detail = { reason: 'quota', ...state, needed };
  }
}

const fromOwn: Partial<Record<OciErrorCode, readonly [status: number, code: SentErrorCode]>> = {
  BLOB_UNKNOWN: [404, 'BLOB_UNKNOWN'],
  DIGEST_INVALID: [400, 'DIGEST_INVALID'],
  DIGEST_MISMATCH: [400, 'DIGEST_INVALID'],
  DIGEST_UNSUPPORTED: [400, 'DIGEST_INVALID'],
  DOCUMENT_INVALID: [400, 'MANIFEST_INVALID'],
  LIMIT_EXCEEDED: [413, 'SIZE_INVALID'],
  MANIFEST_UNKNOWN: [404, 'MANIFEST_UNKNOWN'],
  RATE_LIMITED: [429, 'TOOMANYREQUESTS'],
  // Nothing is asked for but the keys of issuers.
  NETWORK: [502, 'UNSUPPORTED'],
  SIZE_MISMATCH: [400, 'SIZE_INVALID'],
  STORAGE_FULL: [507, 'UNSUPPORTED'],
  UNSUPPORTED: [400, 'MANIFEST_INVALID'],
};

/** Answers a failed request; after the headers are out, all that is left is to break the connection. */
export function answerFailure(
  api: Pick<ApiRequest, 'request' | 'response'>,
  { status, code, message, headers, detail }: ApiError,
): void {
  if (api.response.headersSent) {
    api.response.destroy();
    return;
  }
  const body = registryErrorBody(code, message, detail);
  // What the client still sends would be taken for its next request.
  const close: Record<string, string> = isBodyPending(api.request) ? { connection: 'close' } : {};
  answer(api, status, { 'content-type': 'application/json', ...close, ...headers }, body);
}

/** Tells whether a request failed because a tag has to stay as it is. */
export function isOfImmutableTag(thrown: unknown): boolean {
  return isOciError(thrown) && thrown.reason?.kind === 'tag-immutable';
}

/** Codes that blame the content: the client's when it pushes, the server's own when it reads what it keeps. */
const contentCodes = new Set<OciErrorCode>([
  'DIGEST_MISMATCH',
  'DOCUMENT_INVALID',
  'SIZE_MISMATCH',
]);

/** The answer to a request of `method` that failed with anything. */
export function apiErrorOf(thrown: unknown, method: string): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof Refusal) {
    const { status, message, headers } = thrown;
    return new ApiError(status, registryErrorCode(status), message, headers);
  }
  if (thrown instanceof QuotaExceeded) return new OverQuota(thrown);
  if (thrown instanceof QuotaUncounted)
    return new ApiError(503, 'UNSUPPORTED', thrown.message, { 'retry-after': '5' });
  const error = asOciError(thrown);
  if (error.code === 'STORAGE_FAILED' && error.retryable) return new StorageUnavailable();
  // Not 403: the caller may push and delete here, and no other credential would help.
  if (isOfImmutableTag(error)) return new ApiError(409, 'DENIED', error.message);
  const known = fromOwn[error.code];
  const isRead = method === 'GET' || method === 'HEAD';
  if (known && !(isRead && contentCodes.has(error.code))) {
    // A path of this machine is no matter of the client's.
    return new ApiError(
      ...known,
      known[0] === 507 ? 'the registry has no space left' : error.message,
    );
  }
  return new ApiError(500, 'UNSUPPORTED', 'the registry could not process the request');
}
