import { networkHost } from '@oci/spec-types';

import { authorize } from './authorization/authorize.js';
import { tokenFile } from './authorization/token-file.js';
import type { CredentialSource } from './credentials/credential.js';
import { traceAttempts } from './diagnostics.js';
import type { HostOptions } from './host-options.js';
import { proxyPolicy } from './proxy/proxy-policy.js';
import type { RegistryAddress } from './registry-address.js';
import type { RegistryOptions } from './registry-options.js';
import { limitBandwidth } from './transport/bandwidth.js';
import type { BodyLimits } from './transport/bounded-body.js';
import type { Exchange } from './transport/exchange.js';
import type { HeadStart } from './transport/head-start.js';
import { defaultPacePolicy, paceHosts } from './transport/host-pace.js';
import { observed } from './transport/observe.js';
import { addHeaders } from './transport/origin-headers.js';
import { ownSignal } from './transport/own-signal.js';
import { watchProgress } from './transport/progress-watch.js';
import { followRedirects } from './transport/redirect.js';
import { retry } from './transport/retry.js';
import type { RetryPolicy } from './transport/retry-policy.js';
import { defaultTimeouts } from './transport/connection-options.js';
import { createSend } from './transport/send.js';

/** What is the same for a registry and its mirrors. */
type TransportOptions = Pick<
  RegistryOptions,
  'timeouts' | 'pace' | 'bytesPerSecond' | 'proxy' | 'tokenCacheFile' | 'userAgent' | 'observer'
>;

interface ConnectionParts {
  readonly address: RegistryAddress;
  readonly host: HostOptions;
  readonly transport: TransportOptions;
  readonly credentials: CredentialSource;
  readonly limits: BodyLimits;
  readonly retryPolicy: RetryPolicy;
  readonly headStart?: HeadStart | undefined;
}

/** A way to one registry: its origin, and all that is remembered of it. */
export interface Connection {
  readonly origin: URL;
  readonly exchange: Exchange;
  /** The same without credentials, so that a challenge is seen. */
  readonly bare: Exchange;
  readonly close: () => Promise<void>;
}

/**
 * The transport, outermost last: each request is sent as its host allows, follows redirects, has the
 * registry's headers, is authorized, is repeated, until its own signal ends it.
 */
export function connect(parts: ConnectionParts): Connection {
  const { address, host, transport, limits, retryPolicy } = parts;
  const origin = new URL(`${address.scheme}://${networkHost(address.host)}`);
  const { send, close } = createSend({
    timeouts: { ...defaultTimeouts, ...transport.timeouts },
    origin,
    insecure: host.insecure,
    ca: host.ca,
    clientCertificate: host.clientCertificate,
    proxy: proxyPolicy(transport.proxy),
    userAgent: transport.userAgent ?? 'oci-toolkit',
    headStart: parts.headStart,
    publicOnly: host.publicOnly,
  });
  const traced = traceAttempts(send);
  const sent = transport.observer ? observed(traced, transport.observer) : traced;
  const watched = watchProgress(sent, { ...defaultTimeouts, ...transport.timeouts });
  const limited = limitBandwidth(watched, transport.bytesPerSecond, retryPolicy);
  const paced = paceHosts(limited, { ...defaultPacePolicy, ...transport.pace }, retryPolicy);
  const redirected = followRedirects(paced);
  const headed = addHeaders(redirected, origin, host.headers ?? {});
  const tokens = retry(headed, retryPolicy);
  const authorized = authorize(headed, tokens, {
    origin,
    registry: address.host,
    credentials: parts.credentials,
    onHelperFailure: host.onHelperFailure,
    trustedRealms: host.trustedRealms ?? [],
    limits,
    tokenStore:
      transport.tokenCacheFile === undefined ? undefined : tokenFile(transport.tokenCacheFile),
  });
  const repeated = retry(authorized, retryPolicy);
  return { origin, exchange: ownSignal(repeated), bare: ownSignal(tokens), close };
}
