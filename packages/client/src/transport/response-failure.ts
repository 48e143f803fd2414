import {
  type ErrorReason,
  OciError,
  type OciErrorCode,
  type RegistryError,
  amendError,
  isOciError,
  isTransientStatus,
  parseRegistryErrors,
  parseRetryAfter,
} from '@oci/spec-types';

import { readBody } from './bounded-body.js';
import { type RegistryRequest, type RegistryResponse, header } from './exchange.js';

/** What a request was for, so that its failure can be told in those terms. */
export interface Subject {
  /** e.g. `kcl/x:1.0.0`. */
  readonly name: string;
  /** What 404 means. */
  readonly missing: Extract<
    OciErrorCode,
    'MANIFEST_UNKNOWN' | 'BLOB_UNKNOWN' | 'NAME_UNKNOWN' | 'UNSUPPORTED'
  >;
}

/** What Go's servers and nginx answer, with status 400, to HTTP on a port for HTTPS. */
const wantsHttps = /HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)/i;

/**
 * Passes an answer whose status is expected, and turns every other into an `OciError` that holds
 * the registry's own words.
 */
export async function expectStatus(
  response: RegistryResponse,
  expected: readonly number[],
  {
    request,
    subject,
    errorBytes,
  }: { request: RegistryRequest; subject: Subject; errorBytes: number },
): Promise<RegistryResponse> {
  if (expected.includes(response.status)) return response;
  const body = await readBody(response, errorBytes, request).catch(() => Buffer.alloc(0));
  if (request.url.protocol === 'http:' && wantsHttps.test(body.toString('latin1'))) {
    throw new OciError('TLS', `${request.url.host} speaks HTTPS, not HTTP`, {
      hint: `Say https://${request.url.host}.`,
      reason: { kind: 'https-needed', host: request.url.host },
    });
  }
  const registryErrors = parseRegistryErrors(body);
  const failure = responseFailure(response, { request, subject, registryErrors });
  const { withoutCredential } = response;
  const wantsOne = isOciError(failure, 'UNAUTHORIZED', 'DENIED');
  throw withoutCredential && wantsOne ? withCause(failure, withoutCredential) : failure;
}

/** A login is no help where a credential is configured and cannot be had. */
export function withCause(failure: OciError, cause: OciError): OciError {
  const { hint, reason } = cause;
  const message = `${failure.message}; ${cause.message}`;
  return amendError(failure, { message, hint, reason, cause });
}

function responseFailure(
  response: RegistryResponse,
  {
    request,
    subject,
    registryErrors,
  }: { request: RegistryRequest; subject: Subject; registryErrors: readonly RegistryError[] },
): OciError {
  const { status, attempts, url } = response;
  const { host } = url;
  const fail = (code: OciErrorCode, what: string, hint?: string, reason?: ErrorReason): OciError =>
    new OciError(
      code,
      `${what} (${request.method} ${subject.name} at ${host}: ${status}${attempts > 1 ? `, ${attempts} attempts` : ''})`,
      {
        hint,
        reason,
        registryErrors,
        retryable: isTransientStatus(status),
        retryAfterMs: parseRetryAfter(header(response, 'retry-after')),
        request: { method: request.method, url: url.href, status, attempts },
      },
    );
  const says = (code: string): boolean => registryErrors.some((error) => error.code === code);
  switch (true) {
    case status === 404 && says('NAME_UNKNOWN'):
      return fail(
        'NAME_UNKNOWN',
        `${host} has no repository ${repositoryOf(subject)}`,
        'List the repositories of the registry to see what there is.',
        {
          kind: 'repository-unknown',
          origin: request.url.origin,
          namespace: repositoryOf(subject).split('/').slice(0, -1).join('/'),
        },
      );
    case status === 404:
      return fail(subject.missing, `${subject.name} was not found`);
    case status === 401:
      return response.authorizedAs === undefined
        ? fail('UNAUTHORIZED', `${subject.name} needs a login`, `Log in to ${host}.`, {
            kind: 'login-missing',
            host,
          })
        : fail(
            'UNAUTHORIZED',
            `${host} does not accept the credential of ${response.authorizedAs}`,
            `It may be old, or not allow this. Log in to ${host} again.`,
            { kind: 'login-refused', host },
          );
    case status === 403:
      return fail(
        'DENIED',
        `${host} denies access to ${subject.name}${response.authorizedAs === undefined ? '' : ` to ${response.authorizedAs}`}`,
        'Is it the credential of the right user?',
        { kind: 'access-denied', host },
      );
    case status === 429:
      return fail(
        'RATE_LIMITED',
        `${host} limits how often it is asked`,
        'Wait, or log in: limits are often higher then.',
      );
    case status === 413:
      return fail('LIMIT_EXCEEDED', `${host} finds ${subject.name} too large`);
    case status >= 500:
      return fail(
        'REGISTRY_UNAVAILABLE',
        `${host} has a problem of its own`,
        'Try again later, or tell whoever runs it.',
      );
    case status === 405 || says('UNSUPPORTED'):
      return fail('UNSUPPORTED', `${host} does not support this`);
    default:
      return fail('PROTOCOL', `${host} refuses ${subject.name}`);
  }
}

function repositoryOf(subject: Subject): string {
  return subject.name.replace(/[:@].*$/, '');
}
