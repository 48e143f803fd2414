import { X509Certificate, createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

import { OciError } from '@oci/spec-types';

import type { Caller } from './caller.js';

/** Certificates between a client's and its authority. */
const maxDepth = 10;

/** The authorities whose client certificates say who a caller is. */
export class ClientCertificates {
  readonly #authorities: readonly X509Certificate[];
  readonly #fingerprint: string;
  readonly #checked = new WeakMap<TLSSocket, Caller | undefined>();

  /**
   * @param pem of the authorities; no certificate counts when absent
   * @throws OciError `CONFIG_INVALID` when it holds none
   */
  constructor(pem: string | undefined) {
    this.#authorities = pem === undefined ? [] : authoritiesOf(pem);
    this.#fingerprint = createHash('sha256')
      .update(this.#authorities.map(({ fingerprint256 }) => fingerprint256).join())
      .digest('hex');
  }

  /** Whether a fingerprint of {@link callerOf} was made with these authorities. */
  knows(id: string): boolean {
    return this.#authorities.length > 0 && id.startsWith(`certificate:${this.#fingerprint}:`);
  }

  /**
   * The caller that the certificate of a connection names. A connection outlives a reload, so that the
   * authority and the dates are checked again.
   */
  callerOf({ socket }: Pick<IncomingMessage, 'socket'>): Caller | undefined {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
    if (!this.#checked.has(socket)) this.#checked.set(socket, this.#check(socket));
    const caller = this.#checked.get(socket);
    const { expiresAt = Infinity } = caller?.credential ?? {};
    return expiresAt > Date.now() ? caller : undefined;
  }

  #check(socket: TLSSocket): Caller | undefined {
    const certificate = socket.getPeerX509Certificate();
    if (!certificate || !this.#issued(certificate)) return undefined;
    const name = socket.getPeerCertificate().subject?.CN;
    const first = Array.isArray(name) ? name[0] : name;
    if (!first) return undefined;
    const subject = `certificate:${first}`;
    const id = `certificate:${this.#fingerprint}:${certificate.fingerprint256}`;
    const credential = { id, expiresAt: Date.parse(certificate.validTo) };
    return { subject, names: [subject], identity: subject, credential };
  }

  #issued(certificate: X509Certificate): boolean {
    let link: X509Certificate | undefined = certificate;
    for (let depth = 0; link && depth < maxDepth; depth += 1) {
      const below = link;
      const isIssuer = (one: X509Certificate): boolean =>
        below.checkIssued(one) && below.verify(one.publicKey);
      if (this.#authorities.some(isIssuer)) return true;
      link = link.issuerCertificate;
    }
    return false;
  }
}

function authoritiesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0) throw new Error('there is no BEGIN CERTIFICATE');
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', 'the authorities of client certificates cannot be read', {
      cause,
      hint: 'server.client_ca_file is a PEM file with at least one certificate.',
    });
  }
}
