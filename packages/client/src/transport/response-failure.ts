import {
  type ErrorReason,
  OciError,
  type OciErrorCode,
  type RegistryError,
  amendError,
  isOciError,
} from '@oci/spec-types';
import { parseRegistryErrors, parseRetryAfter } from '@oci/spec-types/registry-api';
import { isTransientStatus } from '@oci/spec-types/retry';

import { readBody } from './bounded-body.js';
import { type RegistryRequest, type RegistryResponse, header } from './exchange.js';

/** The specification has no code for it: oci-server, Harbor and Quay answer `DENIED` with this word. */
const namesQuota = /\bquota\b/i;

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
  const failure = responseFailure({ response, request, subject, registryErrors });
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

/** An answer that was not expected. */
interface Unexpected {
  readonly response: RegistryResponse;
  readonly request: RegistryRequest;
  readonly subject: Subject;
  readonly registryErrors: readonly RegistryError[];
}

interface Meaning {
  readonly code: OciErrorCode;
  readonly what: string;
  readonly hint?: string;
  readonly reason?: ErrorReason;
}

interface AnswerCase {
  readonly when: (
    status: number,
    says: (code: string) => boolean,
    request: RegistryRequest,
    registryErrors: readonly RegistryError[],
  ) => boolean;
  readonly means: (host: string, answer: Unexpected) => Meaning;
}

/** The first that matches counts. */
const answerCases: readonly AnswerCase[] = [
  {
    when: (status, says, { method }) =>
      status < 500 && (says('MANIFEST_BLOB_UNKNOWN') || (method === 'PUT' && says('BLOB_UNKNOWN'))),
    means: (host, { subject, registryErrors }) => ({
      code: 'BLOB_UNKNOWN',
      what: `${host} does not have ${missingContent(registryErrors)} that ${subject.name} names`,
      hint: 'Push the blob first; of an index, the manifests that it names.',
    }),
  },
  {
    when: (status, says) => status === 404 && says('NAME_UNKNOWN'),
    means: (host, { subject, request }) => ({
      code: 'NAME_UNKNOWN',
      what: `${host} has no repository ${repositoryOf(subject)}`,
      hint: 'List the repositories of the registry to see what there is.',
      reason: {
        kind: 'repository-unknown',
        origin: request.url.origin,
        namespace: repositoryOf(subject).split('/').slice(0, -1).join('/'),
      },
    }),
  },
  {
    when: (status) => status === 404,
    means: (host, { subject }) => ({
      code: subject.missing,
      what: `${subject.name} was not found`,
      ...(subject.missing === 'MANIFEST_UNKNOWN' && {
        hint: 'List the tags of the repository to see what there is.',
        reason: { kind: 'manifest-unknown', host, repository: repositoryOf(subject) },
      }),
    }),
  },
  {
    when: (status) => status === 401,
    means: (host, { subject, response: { authorizedAs, credentialHint } }) =>
      authorizedAs === undefined
        ? {
            code: 'UNAUTHORIZED',
            what: `${subject.name} needs a login`,
            hint: `Log in to ${host}.`,
            reason: { kind: 'login-missing', host },
          }
        : {
            code: 'UNAUTHORIZED',
            what: `${host} does not accept the credential of ${authorizedAs}`,
            ...(credentialHint === undefined
              ? {
                  hint: `It may be old, or not allow this. Log in to ${host} again.`,
                  reason: { kind: 'login-refused', host },
                }
              : { hint: credentialHint }),
          },
  },
  {
    when: (status, _, __, registryErrors) =>
      [403, 412].includes(status) &&
      registryErrors.some(({ message }) => namesQuota.test(message ?? '')),
    means: (host, { subject }) => ({
      code: 'DENIED',
      what: `${host} has no room for ${subject.name}: a quota is exceeded`,
      hint: 'Delete what is not needed there, or ask whoever runs the registry for a larger quota.',
    }),
  },
  {
    when: (status) => status === 403,
    means: (host, { subject, response: { authorizedAs } }) => ({
      code: 'DENIED',
      what: `${host} denies access to ${subject.name}${authorizedAs === undefined ? '' : ` to ${authorizedAs}`}`,
      hint: 'Is it the credential of the right user?',
      reason: { kind: 'access-denied', host },
    }),
  },
  {
    // oci-server, and Harbor.
    when: (status, says, { method }) =>
      (method === 'PUT' || method === 'DELETE') &&
      ((status === 409 && says('DENIED')) || (status === 412 && says('PRECONDITION'))),
    means: (host, { subject, request: { method } }) => ({
      code: 'POLICY_REFUSED',
      what: `${host} lets nobody ${method === 'PUT' ? 'replace' : 'delete'} ${subject.name}`,
      hint: 'Push another tag: a rule of the registry keeps this one as it is.',
      reason: { kind: 'tag-immutable' },
    }),
  },
  {
    when: (status) => status === 429,
    means: (host) => ({
      code: 'RATE_LIMITED',
      what: `${host} limits how often it is asked`,
      hint: 'Wait, or log in: limits are often higher then.',
    }),
  },
  {
    when: (status) => status === 413,
    means: (host, { subject }) => ({
      code: 'LIMIT_EXCEEDED',
      what: `${host} finds ${subject.name} too large`,
    }),
  },
  {
    when: (status) => status >= 500,
    means: (host) => ({
      code: 'REGISTRY_UNAVAILABLE',
      what: `${host} has a problem of its own`,
      hint: 'Try again later, or tell whoever runs it.',
    }),
  },
  {
    when: (status, says) => status === 405 || says('UNSUPPORTED'),
    means: (host) => ({ code: 'UNSUPPORTED', what: `${host} does not support this` }),
  },
];

function responseFailure(answer: Unexpected): OciError {
  const { response, request, subject, registryErrors } = answer;
  const { status, attempts, url } = response;
  const { host } = url;
  const says = (code: string): boolean => registryErrors.some((error) => error.code === code);
  const found = answerCases.find(({ when }) => when(status, says, request, registryErrors));
  const { code, what, hint, reason }: Meaning = found?.means(host, answer) ?? {
    code: 'PROTOCOL',
    what: `${host} refuses ${subject.name}`,
  };
  const asked = `${request.method} ${subject.name} at ${host}: ${status}`;
  const often = attempts > 1 ? `, ${attempts} attempts` : '';
  return new OciError(code, `${what} (${asked}${often})`, {
    hint,
    reason,
    registryErrors,
    retryable: isTransientStatus(status),
    retryAfterMs: parseRetryAfter(header(response, 'retry-after')),
    request: { method: request.method, url: url.href, status, attempts },
  });
}

/** The digest that a registry misses: it is in the detail or, of some, in the message alone. */
function missingContent(errors: readonly RegistryError[]): string {
  return (
    /\bsha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})\b/.exec(JSON.stringify(errors))?.[0] ?? 'a blob'
  );
}

function repositoryOf(subject: Subject): string {
  return subject.name.replace(/[:@].*$/, '');
}
