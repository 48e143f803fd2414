import type { IncomingMessage } from 'node:http';

import type { OciManagerOptions } from '@oci/manager';
import { parseRegistryAddress } from '@oci/client/transport';

import { Access } from './access/access.js';
import { webhooksOf } from './events/server-events.js';
import type { Webhook } from './events/webhook.js';
import { hostedSource } from './hosted/hosted-repository.js';
import type { HostedRegistry } from './hosted/hosted-registry.js';
import { TrustedProxies } from './http/client-address.js';
import type { ServedNames } from './http/page-guard.js';
import { publicOrigin } from './http/public-origin.js';
import { RateLimit } from './http/rate-limit.js';
import type { Metrics } from './metrics/metrics.js';
import { reloadableOptions } from './reloadable-options.js';
import { type ServerOptions, defaultLimits } from './server-options.js';
import { SharedManager } from './shared-manager.js';
import { traceAttempt } from './tracing/tracing.js';

/** Parts of the server that the state works with, known once it has started. */
export interface StateParts {
  /** `http://host:port` of the server: the registry of the API where no other one is configured. */
  readonly url: string;
  readonly hosted: HostedRegistry;
  readonly metrics: Metrics;
}

/** What a reload replaces while requests run: each request keeps what it began with. */
export class ServerState {
  options: ServerOptions;
  access: Access;
  rate: RateLimit | undefined;
  proxies: TrustedProxies;
  webhooks: readonly Webhook[];
  readonly manager: SharedManager = new SharedManager(() => this.#managerOptions(this.options));
  readonly #started: ServerOptions;
  readonly #parts: () => StateParts;

  constructor(options: ServerOptions, parts: () => StateParts) {
    this.#started = options;
    this.options = options;
    this.#parts = parts;
    this.access = new Access(options.access, options.tls?.clientCa);
    this.rate = rateOf(options);
    this.proxies = new TrustedProxies(options.trustedProxies ?? []);
    this.webhooks = webhooksOf(options.events);
  }

  /**
   * Takes over all options that a running server can change.
   *
   * @returns settings that were changed and need a restart
   * @throws OciError before anything is replaced
   */
  reload(given: ServerOptions): readonly string[] {
    const { options, needsRestart } = reloadableOptions(this.#started, given);
    const proxies = new TrustedProxies(options.trustedProxies ?? []);
    const access = new Access(options.access, options.tls?.clientCa);
    // Options hold functions and what was read from files, so that equal ones cannot be told: a manager opens
    // nothing before it is used, and the cache directory keeps what is known.
    this.manager.replace(this.#managerOptions(options));
    // Tokens that clients hold stay good, unless there is another key.
    const hasKey = (options.access?.tokenKey ?? this.options.access?.tokenKey) !== undefined;
    this.access = hasKey ? access : access.withTokensOf(this.access);
    this.proxies = proxies;
    this.webhooks = webhooksOf(options.events, this.webhooks);
    if (options.limits?.requestsPerSecond !== this.options.limits?.requestsPerSecond)
      this.rate = rateOf(options);
    this.#parts().hosted.quotas.configure(options.quotas ?? []);
    this.options = options;
    return needsRestart;
  }

  /** The scheme and host that the client of a request reaches the server by; `listening` when it names none. */
  originFor(request: IncomingMessage, listening: string): string {
    const { publicUrl, tls } = this.options;
    const isTls = tls !== undefined;
    return publicOrigin(request, { publicUrl, isTls, proxies: this.proxies, listening });
  }

  /** What the server is called, for the one who asks. */
  namesFor(request: IncomingMessage): ServedNames {
    const { listen, publicUrl } = this.options;
    return {
      listenHost: listen.host,
      publicUrl,
      isRestricted: this.access.restricted,
      forwardedHost: this.proxies.forwardedOf(request).host,
    };
  }

  #managerOptions({ manager }: ServerOptions): OciManagerOptions {
    const { url, hosted, metrics } = this.#parts();
    const connection = { ...manager.connection, observer: observerOf(metrics) };
    if (manager.registryUrl !== undefined)
      return { ...manager, registryUrl: manager.registryUrl, connection };
    const { host } = parseRegistryAddress(url, { plainHttp: false });
    const source = hostedSource(hosted, host);
    return {
      ...manager,
      registryUrl: url,
      connection,
      openSource: (asked) => (asked === host ? source : undefined),
    };
  }

  async close(): Promise<void> {
    await this.manager.close();
  }
}

function rateOf({ limits }: ServerOptions): RateLimit | undefined {
  const { requestsPerSecond } = { ...defaultLimits, ...limits };
  if (requestsPerSecond === 0) return undefined;
  return new RateLimit({ perSecond: requestsPerSecond, burst: requestsPerSecond * 10 });
}

function observerOf(metrics: Metrics): typeof traceAttempt {
  return (attempt) => {
    const { method } = attempt;
    const host = metrics.hostLabel(attempt.host);
    const traced = traceAttempt(attempt);
    const end = metrics.upstreamSeconds.startTimer({ host });
    return (outcome) => {
      traced?.(outcome);
      end();
      if ('status' in outcome)
        metrics.upstreamRequests.inc({ host, method, code: String(outcome.status) });
      else metrics.upstreamErrors.inc({ host, code: outcome.code });
    };
  };
}
