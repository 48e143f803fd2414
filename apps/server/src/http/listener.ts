import {
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer, createSecureContext } from 'node:tls';

import { OciError } from '@oci/spec-types';

import type { ListenAddress } from '../listen-address.js';
import { type ConnectionLimits, Connections } from './connections.js';
import { inTurn } from './in-turn.js';
import { answerParserErrors } from './parser-error.js';
import { holdBody } from './request-body.js';

/** PEM texts. */
export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Authorities of client certificates; none are asked for when absent. */
  readonly clientCa?: string | undefined;
  /** Refuse connections without one, instead of taking them for anonymous. Default false. */
  readonly requireClientCertificate?: boolean | undefined;
}

/** Bounds of headers and of silence, in milliseconds and bytes; the pace of bodies is of `request-body.ts`. */
const limits = {
  requestTimeout: 0,
  headersTimeout: 20_000,
  connectionsCheckingInterval: 5000,
  maxHeaderSize: 16 * 1024,
  keepAliveTimeout: 65_000,
  // Refused at the entry, where the answer is one that clients can read.
  requireHostHeader: false,
};
const silenceMs = 5 * 60_000;
/** Lines of headers; whoever sends more is refused at the entry, for a line that is not read may be one that counts. */
export const maxHeaders = 100;

/** Suites whose sessions stay secret when the key of the certificate is lost; those of TLS 1.3 all do. */
const ciphers = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** @throws OciError `CONFIG_INVALID` for certificates that are none */
export function createListener(
  handler: RequestListener,
  options: {
    readonly tls?: TlsOptions | undefined;
    readonly connections: ConnectionLimits;
    /** Milliseconds that a TLS handshake may take. Default 20 s. */
    readonly handshakeMs?: number | undefined;
  },
): Server {
  const { tls, connections, handshakeMs = 20_000 } = options;
  const server = tls
    ? onCertificates(() =>
        createTlsServer({ ...limits, handshakeTimeout: handshakeMs, ...tlsSettings(tls) }),
      )
    : createServer(limits);
  server.timeout = silenceMs;
  server.maxHeadersCount = maxHeaders + 1;
  new Connections(connections).attach(server);
  answerParserErrors(server);
  server.on('request', inTurn(handler));
  // The body is asked for when it is read: whoever is refused does not send it.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    holdBody(request, response);
    server.emit('request', request, response);
  });
  return server;
}

/** @throws OciError `CONFIG_INVALID` when they are no certificates, or do not belong together */
export function checkTls(tls: TlsOptions): void {
  onCertificates(() => createSecureContext({ cert: tls.cert, key: tls.key, ca: tls.clientCa }));
}

/** New connections get the new certificates; those that stand are not cut. */
export function reloadCertificates(server: Server, tls: TlsOptions): void {
  if (!(server instanceof TlsServer)) return;
  onCertificates(() => server.setSecureContext(tlsSettings(tls)));
}

function tlsSettings({ cert, key, clientCa, requireClientCertificate }: TlsOptions) {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2' as const,
    ciphers,
    honorCipherOrder: true,
    ...(clientCa !== undefined && {
      ca: clientCa,
      requestCert: true,
      rejectUnauthorized: requireClientCertificate ?? false,
    }),
  };
}

function onCertificates<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', 'the TLS certificate or its key is not valid', {
      cause,
      hint: 'server.tls_cert_file and server.tls_key_file are PEM files that belong together.',
    });
  }
}

export function listen(server: Server, { host, port }: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${cause.code})`;
      reject(
        new OciError('CONFIG_INVALID', `${host}:${port} ${why}`, {
          cause,
          hint: 'Choose another with --listen 127.0.0.1:PORT; port 0 takes a free one.',
        }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** Ends when the requests that run have ended; connections without one are closed at once. */
export function closeListener(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection whose last request ends while the server closes is idle only then.
    const idle = setInterval(() => server.closeIdleConnections(), 20);
    server.close(() => {
      clearInterval(idle);
      resolve();
    });
    server.closeIdleConnections();
  });
}
