import { type ErrorReason, OciError, asOciError, isOciError } from '@oci/spec-types';

import type { RegistryRequest } from './exchange.js';

/**
 * What a failed connection means: the error codes of Node, OpenSSL and undici, in words.
 *
 * @returns `NETWORK`, `TIMEOUT`, `TLS`, `ABORTED`, or the `OciError` that is behind it
 */
export function networkFailure(
  cause: unknown,
  request: Pick<RegistryRequest, 'url' | 'signal' | 'method'>,
): OciError {
  const known = firstOciError(cause);
  if (known) return known;
  const { host, protocol } = request.url;
  if (request.signal?.aborted)
    return new OciError('ABORTED', 'the operation was cancelled', { cause });
  const code = codeOf(cause);
  const fail = (
    kind: 'NETWORK' | 'TIMEOUT' | 'TLS',
    why: string,
    hint: string,
    reason?: ErrorReason,
  ): OciError =>
    new OciError(kind, `${host} ${why}`, {
      cause,
      hint,
      reason,
      retryable: kind !== 'TLS',
      request: { method: request.method, url: request.url.href, attempts: 1 },
    });
  const reach = `Is the address right, and is the registry running? Try: curl -v ${request.url.origin}/v2/`;
  switch (code) {
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return new OciError('ABORTED', `the connections to ${host} were closed`, { cause });
    case 'ECONNREFUSED':
      return fail('NETWORK', 'refuses connections', reach);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail('NETWORK', 'is not a name that can be resolved', reach);
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return fail('TIMEOUT', 'does not answer connections', reach);
    case 'UND_ERR_HEADERS_TIMEOUT':
      return fail('TIMEOUT', 'accepted the request but does not answer', 'Try again later.');
    case 'UND_ERR_BODY_TIMEOUT':
      return fail('TIMEOUT', 'stopped sending in the middle', 'Try again later.');
    default:
      break;
  }
  if (code !== undefined && isPlaintextAnswer(code)) {
    return fail('TLS', 'speaks HTTP, not HTTPS', `If that is meant, say http://${host}.`, {
      kind: 'plain-http-needed',
      host,
    });
  }
  if (code !== undefined && isCertificateFailure(code)) {
    return fail(
      'TLS',
      `has a certificate that is not trusted (${code})`,
      'Name the certificate of its authority.',
      { kind: 'certificate-untrusted', host },
    );
  }
  if (protocol === 'http:' && (code === 'HPE_INVALID_CONSTANT' || code?.startsWith('HPE_'))) {
    return fail('TLS', 'does not speak HTTP', `Perhaps it speaks HTTPS: try https://${host}.`);
  }
  // Our own mistake, or an argument that is none: to try again would change nothing.
  if (isDefect(cause)) return asOciError(cause);
  const text = cause instanceof Error ? cause.message : String(cause);
  const perhapsHttps =
    protocol === 'http:' ? ` Or does it speak HTTPS? Then say https://${host}.` : '';
  return fail(
    'NETWORK',
    `broke the connection: ${text}`,
    `Try again; if it stays, check the network.${perhapsHttps}`,
  );
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

function isPlaintextAnswer(code: string): boolean {
  return ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO'].includes(
    code,
  );
}

function isCertificateFailure(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/.test(code);
}
