import { type OciError, asOciError } from '@oci/spec-types';

import { hintOf } from '../hint.js';
import { Refusal, refusalBody } from '../http/refusal.js';
import { statusOf } from './error-status.js';
import type { ErrorJson, Failure } from './json/envelope.js';

/** How a failure is answered: one shape, whatever failed. */
export interface FailureAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Failure;
  /** What the log has to know, when the server is to blame. */
  readonly defect?: unknown;
}

export function failureAnswer(thrown: unknown): FailureAnswer {
  if (thrown instanceof Refusal) {
    const { status, headers } = thrown;
    return { status, headers, body: refusalBody(thrown) };
  }
  const error = fromFastify(thrown) ?? asOciError(thrown);
  if (error instanceof Refusal) return failureAnswer(error);
  const status = statusOf(error.code);
  const isOurs = status === 500 || status === 507;
  const headers: Record<string, string> =
    error.retryAfterMs === undefined
      ? {}
      : { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) };
  const body: Failure = { success: false, error: isOurs ? hidden(error) : errorJson(error) };
  return { status, headers, body, ...(isOurs && { defect: thrown }) };
}

/** A failure as every answer of the API holds it. */
export function errorJson(error: OciError): ErrorJson {
  return { code: error.code, message: error.message, hint: hintOf(error) ?? null };
}

/** Paths and defects of this machine are for its log, not for whoever asks. */
function hidden({ code }: OciError): ErrorJson {
  return {
    code,
    message: 'the server could not store or process it',
    hint: 'The server log has the reason, by the X-Request-Id of this answer.',
  };
}

const codes: Readonly<Record<number, string>> = {
  413: 'LIMIT_EXCEEDED',
  414: 'LIMIT_EXCEEDED',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};

/** Fastify's own refusals: a body that is no JSON, too large, of another kind. */
function fromFastify(thrown: unknown): Refusal | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const { statusCode, message, code } = thrown as Readonly<Record<string, unknown>>;
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined;
  if (typeof code !== 'string' || !code.startsWith('FST_')) {
    if (!(thrown instanceof SyntaxError)) return undefined;
  }
  return new Refusal(statusCode, codes[statusCode] ?? 'USAGE', String(message));
}
