import { once } from 'node:events';
import { isIP } from 'node:net';
import { type DetailedPeerCertificate, connect, rootCertificates } from 'node:tls';

import { OciError } from '@oci/spec-types';

import { eitherSignal } from '../transport/own-signal.js';
import type { HostOptions } from '../host-options.js';
import { networkFailure } from '../transport/network-failure.js';
import type { CertificateFacts, TlsFacts } from './probe.js';

/** Certificates of a chain that are told, at most: a server decides how many it sends. */
const longestChain = 10;

/** Connects once, whatever the certificate, and tells what it is. @throws OciError `NETWORK`, `TIMEOUT`, `TLS` */
export async function tlsFacts(
  origin: URL,
  { ca, clientCertificate }: Pick<HostOptions, 'ca' | 'clientCertificate'>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<TlsFacts> {
  const host = origin.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: Number(origin.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
    ...clientCertificate,
  });
  const limit = AbortSignal.timeout(timeoutMs);
  const either = eitherSignal(signal, limit);
  try {
    await once(socket, 'secureConnect', { signal: either });
    const chain = chainOf(socket.getPeerCertificate(true));
    const [own] = chain;
    if (!own) throw new OciError('TLS', `${origin.host} shows no certificate`);
    const daysLeft = Math.floor((Date.parse(own.validTo) - Date.now()) / 86_400_000);
    const reason = socket.authorized ? undefined : String(socket.authorizationError);
    return {
      protocol: socket.getProtocol() ?? 'unknown',
      isTrusted: socket.authorized,
      ...(reason !== undefined && { reason }),
      validTo: own.validTo,
      daysLeft,
      chain,
    };
  } catch (error) {
    if (limit.aborted)
      throw new OciError('TIMEOUT', `${origin.host} does not answer connections`, { cause: error });
    throw networkFailure(error, { url: origin, method: 'GET', signal });
  } finally {
    socket.destroy();
  }
}

function chainOf(own: DetailedPeerCertificate): readonly CertificateFacts[] {
  const chain: CertificateFacts[] = [];
  const seen = new Set<string>();
  // A root is its own issuer; a certificate of nobody is an empty object.
  let certificate: Partial<DetailedPeerCertificate> | undefined = own;
  while (certificate?.fingerprint256 !== undefined && chain.length < longestChain) {
    if (seen.has(certificate.fingerprint256)) break;
    seen.add(certificate.fingerprint256);
    chain.push({
      subject: nameOf(certificate.subject),
      issuer: nameOf(certificate.issuer),
      validFrom: isoDate(certificate.valid_from),
      validTo: isoDate(certificate.valid_to),
      names: certificate.subjectaltname,
      fingerprint: certificate.fingerprint256,
    });
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

function nameOf(name: DetailedPeerCertificate['subject'] | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${[value].flat().join('+')}`)
    .join(', ');
}

/** Node gives `Nov 25 23:14:00 2026 GMT`. */
function isoDate(text: string | undefined): string {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? 'unknown' : new Date(time).toISOString();
}
