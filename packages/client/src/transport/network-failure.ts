import { type ErrorReason, OciError, abortError, asOciError, isOciError } from '@oci/spec-types';

import { closed } from './closed.js';
import type { RegistryRequest } from './exchange.js';

/** What the code of a failure means; the host is the subject of `why`. */
interface Meaning {
  readonly kind: 'NETWORK' | 'TIMEOUT' | 'TLS';
  readonly why: string;
  readonly hint: string;
  readonly reason?: ErrorReason;
}

interface FailureCase {
  readonly when: (code: string, url: URL) => boolean;
  readonly means: (url: URL, code: string) => Meaning;
}

const is =
  (...codes: readonly string[]) =>
  (code: string): boolean =>
    codes.includes(code);
const reach = ({ origin }: URL): string =>
  `Is the address right, and is the registry running? Try: curl -v ${origin}/v2/`;
const later = 'Try again later.';

/** Connections that we closed ourselves. */
const isClosed = is('UND_ERR_DESTROYED', 'UND_ERR_CLOSED');

/** The first that matches counts. */
const failureCases: readonly FailureCase[] = [
  {
    when: is('ECONNREFUSED'),
    means: (url) => ({ kind: 'NETWORK', why: 'refuses connections', hint: reach(url) }),
  },
  {
    when: is('ENOTFOUND', 'EAI_AGAIN'),
    means: (url) => ({
      kind: 'NETWORK',
      why: 'is not a name that can be resolved',
      hint: reach(url),
    }),
  },
  {
    when: is('UND_ERR_CONNECT_TIMEOUT', 'ETIMEDOUT'),
    means: (url) => ({ kind: 'TIMEOUT', why: 'does not answer connections', hint: reach(url) }),
  },
  {
    when: is('UND_ERR_HEADERS_TIMEOUT'),
    means: () => ({
      kind: 'TIMEOUT',
      why: 'accepted the request but does not answer',
      hint: later,
    }),
  },
  {
    when: is('UND_ERR_BODY_TIMEOUT'),
    means: () => ({ kind: 'TIMEOUT', why: 'stopped sending in the middle', hint: later }),
  },
  {
    when: is('ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'),
    means: ({ host }) => ({
      kind: 'TLS',
      why: 'speaks HTTP, not HTTPS',
      hint: `If that is meant, say http://${host}.`,
      reason: { kind: 'plain-http-needed', host },
    }),
  },
  {
    when: (code) => /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/.test(code),
    means: ({ host }, code) => ({
      kind: 'TLS',
      why: `has a certificate that is not trusted (${code})`,
      hint: 'Name the certificate of its authority.',
      reason: { kind: 'certificate-untrusted', host },
    }),
  },
  {
    when: (code, { protocol }) => protocol === 'http:' && code.startsWith('HPE_'),
    means: ({ host }) => ({
      kind: 'TLS',
      why: 'does not speak HTTP',
      hint: `Perhaps it speaks HTTPS: try https://${host}.`,
    }),
  },
];

/**
 * Tells what a failed connection means: the error codes of Node, OpenSSL and undici, in words.
 *
 * @returns `NETWORK`, `TIMEOUT`, `TLS`, `ABORTED`, or the `OciError` that is behind it
 */
export function networkFailure(
  cause: unknown,
  request: Pick<RegistryRequest, 'url' | 'signal' | 'method'>,
): OciError {
  const known = firstOciError(cause);
  if (known) return known;
  const { url, method, signal } = request;
  if (signal?.aborted) return abortError(signal, cause);
  const code = codeOf(cause) ?? '';
  if (isClosed(code)) return closed(url.host, cause);
  const found = failureCases.find(({ when }) => when(code, url));
  // Our own mistake, or an argument that is none: to try again would change nothing.
  if (!found && isDefect(cause)) return asOciError(cause);
  const { kind, why, hint, reason } = found?.means(url, code) ?? brokenConnection(url, cause);
  return new OciError(kind, `${url.host} ${why}`, {
    cause,
    hint,
    reason,
    retryable: kind !== 'TLS',
    request: { method, url: url.href, attempts: 1 },
  });
}

function brokenConnection({ host, protocol }: URL, cause: unknown): Meaning {
  const text = cause instanceof Error ? cause.message : String(cause);
  const perhapsHttps =
    protocol === 'http:' ? ` Or does it speak HTTPS? Then say https://${host}.` : '';
  return {
    kind: 'NETWORK',
    why: `broke the connection: ${text}`,
    hint: `Try again; if it stays, check the network.${perhapsHttps}`,
  };
}

/** The same failure of a connection through a proxy, which may be what failed. */
export function throughProxy(failure: OciError, proxy: URL): OciError {
  if (!['NETWORK', 'TIMEOUT', 'TLS'].includes(failure.code)) return failure;
  return new OciError(failure.code, `${failure.message} (through the proxy ${proxy.host})`, {
    cause: failure,
    hint: `Is the proxy right? It is named by HTTP_PROXY and HTTPS_PROXY; NO_PROXY excepts hosts.`,
    retryable: failure.retryable,
    request: failure.request,
  });
}

/** A failure that our own code raised below undici, e.g. for an internal address. */
function firstOciError(thrown: unknown): OciError | undefined {
  for (
    let error = thrown, depth = 0;
    error instanceof Error && depth < 5;
    error = error.cause, depth += 1
  ) {
    if (isOciError(error)) return error;
  }
  return undefined;
}

/** The code of the failure, or of the first of several attempts (IPv6, then IPv4). */
function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  return codeOf(thrown.cause);
}

function isDefect(cause: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => cause instanceof kind);
}
