import { type OciErrorCode, type RegistryErrorCode, asOciError } from '@oci/spec-types';

import { Refusal } from '../http/refusal.js';
import { type ApiRequest, answer } from './api-request.js';

/** A refusal in the registry API's own terms (distribution-spec, "Error Codes"). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: RegistryErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const fromOwn: Partial<Record<OciErrorCode, readonly [status: number, code: RegistryErrorCode]>> = {
  BLOB_UNKNOWN: [404, 'BLOB_UNKNOWN'],
  DIGEST_INVALID: [400, 'DIGEST_INVALID'],
  DIGEST_MISMATCH: [400, 'DIGEST_INVALID'],
  DIGEST_UNSUPPORTED: [400, 'DIGEST_INVALID'],
  DOCUMENT_INVALID: [400, 'MANIFEST_INVALID'],
  LIMIT_EXCEEDED: [413, 'SIZE_INVALID'],
  MANIFEST_UNKNOWN: [404, 'MANIFEST_UNKNOWN'],
  SIZE_MISMATCH: [400, 'SIZE_INVALID'],
  STORAGE_FULL: [507, 'UNSUPPORTED'],
  UNSUPPORTED: [400, 'MANIFEST_INVALID'],
};

/** Answers a failed request; after the headers are out, all that is left is to break the connection. */
export function answerFailure(
  api: Pick<ApiRequest, 'request' | 'response'>,
  thrown: unknown,
): void {
  if (api.response.headersSent) {
    api.response.destroy();
    return;
  }
  const { status, code, message, headers } =
    thrown instanceof ApiError ? thrown : fromFailure(thrown);
  const body = JSON.stringify({ errors: [{ code, message }] });
  // What the client still sends would be taken for its next request.
  const close: Record<string, string> = api.request.complete ? {} : { connection: 'close' };
  answer(api, status, { 'content-type': 'application/json', ...close, ...headers }, body);
}

const fromRefusal: Readonly<Record<number, RegistryErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
};

function fromFailure(thrown: unknown): ApiError {
  if (thrown instanceof Refusal) {
    const { status, message, headers } = thrown;
    return new ApiError(status, fromRefusal[status] ?? 'UNSUPPORTED', message, headers);
  }
  const error = asOciError(thrown);
  const known = fromOwn[error.code];
  if (known) {
    // A path of this machine is no matter of the client's.
    return new ApiError(
      ...known,
      known[0] === 507 ? 'the registry has no space left' : error.message,
    );
  }
  return new ApiError(500, 'UNSUPPORTED', 'the registry could not process the request');
}
