import { type SecureContext, createSecureContext, rootCertificates } from 'node:tls';

import { OciError } from '@oci/spec-types';
import { Agent, type Dispatcher, ProxyAgent, buildConnector } from 'undici';

import type { ClientCertificate } from '../host-options.js';
import { publicLookup } from './address-policy.js';
import { closed } from './closed.js';
import type { ConnectionOptions } from './connection-options.js';
import type { RegistryRequest } from './exchange.js';

/** What tells connections apart that must not be shared. */
interface Trait {
  /** Shows the client certificate. */
  readonly known: boolean;
  /** Does not verify the other end's certificate. */
  readonly lax: boolean;
  readonly publicOnly: boolean;
  readonly proxy: string | undefined;
}

/** The pooled connections of one registry and of where it leads; one pool for each {@link Trait}, 24 at most. */
export class ConnectionPools {
  readonly #options: ConnectionOptions;
  readonly #pools = new Map<string, Dispatcher>();
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @throws OciError `ABORTED` when they are closed: nobody would ever close another */
  dispatcher(
    request: Pick<RegistryRequest, 'url' | 'publicOnly' | 'strayed'>,
    proxy: URL | undefined,
  ): Dispatcher {
    if (this.#isClosed) throw closed(request.url.host);
    const { origin, insecure = false, clientCertificate } = this.#options;
    const trait: Trait = {
      known: !!clientCertificate && request.url.origin === origin.origin && !request.strayed,
      lax: insecure && request.url.hostname === origin.hostname,
      publicOnly: request.publicOnly ?? false,
      proxy: proxy?.href,
    };
    const key = JSON.stringify(trait);
    const pool = this.#pools.get(key) ?? this.#create(trait);
    this.#pools.set(key, pool);
    return pool;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }

  #create(trait: Trait): Dispatcher {
    const { timeouts } = this.#options;
    const tls: buildConnector.BuildOptions = {
      // The window of an HTTP/2 stream bounds how fast a blob comes: docs/decisions/bodies-over-http1.md.
      allowH2: false,
      timeout: timeouts.connectMs,
      rejectUnauthorized: !trait.lax,
      ...this.#identity(trait.known),
    };
    const deadlines = { headersTimeout: timeouts.headersMs, bodyTimeout: timeouts.idleMs };
    if (trait.proxy === undefined) {
      const connect = { ...tls, ...(trait.publicOnly && { lookup: publicLookup }) };
      return new Agent({ ...deadlines, connect: this.#connector(trait, connect) });
    }
    // The proxy sees neither the client certificate nor the leave to skip verification.
    return new ProxyAgent({
      ...deadlines,
      uri: trait.proxy,
      requestTls: tls,
      proxyTls: { timeout: timeouts.connectMs, ...this.#identity(false) },
      proxyTunnel: false,
    });
  }

  #connector(
    trait: Trait,
    options: buildConnector.BuildOptions,
  ): buildConnector.connector | buildConnector.BuildOptions {
    const { headStart, timeouts } = this.#options;
    if (!headStart || trait.publicOnly) return options;
    return headStart.connector(buildConnector(options), timeouts.connectMs);
  }

  /** Whom we trust, and who we are. Made once, for reading the authorities takes longer than a handshake. */
  #identity(known: boolean): { readonly secureContext?: SecureContext } {
    const { ca, clientCertificate } = this.#options;
    const certificate = known ? clientCertificate : undefined;
    if (ca === undefined && !certificate) return {};
    return { secureContext: secureContext(ca, certificate) };
  }
}

/** @throws OciError `CONFIG_INVALID` for what is no certificate, or no key of it */
function secureContext(
  ca: string | undefined,
  certificate: ClientCertificate | undefined,
): SecureContext {
  try {
    return createSecureContext({
      ...(ca !== undefined && { ca: [...rootCertificates, ca] }),
      ...(certificate && { cert: certificate.cert, key: certificate.key }),
      ...(certificate?.passphrase !== undefined && { passphrase: certificate.passphrase }),
    });
  } catch (cause) {
    throw new OciError(
      'CONFIG_INVALID',
      'the certificate authorities or the client certificate can not be read',
      {
        cause,
        hint: 'They have to be PEM, the key of the certificate among them, and its passphrase right.',
      },
    );
  }
}
