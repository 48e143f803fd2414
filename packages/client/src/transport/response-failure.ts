import {
  OciError,
  type OciErrorCode,
  type RegistryError,
  isOciError,
  isTransientStatus,
  parseRegistryErrors,
} from '@oci/spec-types';

import { readBody } from './bounded-body.js';
import { type RegistryRequest, type RegistryResponse, header } from './exchange.js';
import { parseRetryAfter } from './retry-after.js';

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
      hint: `Say https://${request.url.host}, without --plain-http.`,
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
  const { code, message, request, registryErrors } = failure;
  const { hint } = cause;
  return new OciError(code, `${message}; ${cause.message}`, {
    hint,
    cause,
    request,
    registryErrors,
  });
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
  const fail = (code: OciErrorCode, what: string, hint?: string): OciError =>
    new OciError(
      code,
      `${what} (${request.method} ${subject.name} at ${host}: ${status}${attempts > 1 ? `, ${attempts} attempts` : ''})`,
      {
        hint,
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
        `See what there is with: ${listCommand(subject, request.url)}`,
      );
    case status === 404:
      return fail(subject.missing, `${subject.name} was not found`);
    case status === 401:
      return response.authorizedAs === undefined
        ? fail('UNAUTHORIZED', `${subject.name} needs a login`, `Log in with: ocictl login ${host}`)
        : fail(
            'UNAUTHORIZED',
            `${host} does not accept the credential of ${response.authorizedAs}`,
            `It may be old, or not allow this. Log in again with: ocictl login ${host}`,
          );
    case status === 403:
      return fail(
        'DENIED',
        `${host} denies access to ${subject.name}${response.authorizedAs === undefined ? '' : ` to ${response.authorizedAs}`}`,
        `Are you logged in as the right user? ocictl login ${host}`,
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

/** Of the namespace that was asked for, at the registry that was asked. */
function listCommand(subject: Subject, { origin }: URL): string {
  const namespace = repositoryOf(subject).split('/').slice(0, -1).join('/');
  return ['ocictl list', ...(namespace ? [namespace] : []), `--registry ${origin}`].join(' ');
}

function repositoryOf(subject: Subject): string {
  return subject.name.replace(/[:@].*$/, '');
}
