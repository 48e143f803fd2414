import { OciManager, type OciManagerOptions } from '@oci/manager';

import { Access, ownHeader } from './access/access.js';
import { TrustedProxies } from './http/client-address.js';
import { RateLimit } from './http/rate-limit.js';
import type { Metrics } from './metrics/metrics.js';
import { type ServerOptions, defaultLimits } from './server-options.js';
import { traceAttempt } from './tracing/tracing.js';

/** What a reload replaces while requests run: each request keeps what it began with. */
export class ServerState {
  options: ServerOptions;
  access: Access;
  rate: RateLimit | undefined;
  proxies: TrustedProxies;
  readonly #ownUrl: () => string;
  readonly #metrics: () => Metrics;
  #manager: OciManager | undefined;

  /** @param ownUrl where the server reaches itself, once it listens */
  constructor(options: ServerOptions, ownUrl: () => string, metrics: () => Metrics) {
    this.options = options;
    this.#ownUrl = ownUrl;
    this.#metrics = metrics;
    this.access = new Access(options.access, options.tls?.clientCa);
    this.rate = rateOf(options);
    this.proxies = new TrustedProxies(options.trustedProxies ?? []);
  }

  /** @throws OciError before anything is replaced */
  reload(options: ServerOptions): void {
    const proxies = new TrustedProxies(options.trustedProxies ?? []);
    const tokenKey = options.access?.tokenKey;
    const access = new Access(options.access, options.tls?.clientCa);
    // Tokens that clients hold stay good, unless their key was changed on purpose.
    this.access = tokenKey ? access : access.withTokensOf(this.access);
    this.proxies = proxies;
    if (options.limits?.requestsPerSecond !== this.options.limits?.requestsPerSecond)
      this.rate = rateOf(options);
    const isSame = JSON.stringify(options.manager) === JSON.stringify(this.options.manager);
    this.options = options;
    if (isSame) return;
    // Pulls that run end with the manager that they began with.
    this.#manager = undefined;
  }

  manager(): OciManager {
    this.#manager ??= new OciManager(this.managerOptions());
    return this.#manager;
  }

  managerOptions(): OciManagerOptions {
    const { manager } = this.options;
    const connection = { ...manager.connection, observer: observerOf(this.#metrics()) };
    if (manager.registryUrl !== undefined)
      return { ...manager, registryUrl: manager.registryUrl, connection };
    const headers = { [ownHeader.name]: ownHeader.value };
    return {
      ...manager,
      registryUrl: this.#ownUrl(),
      credentials: async () => undefined,
      connection: { ...connection, headers },
    };
  }

  async close(): Promise<void> {
    await this.#manager?.close();
  }
}

function rateOf({ limits }: ServerOptions): RateLimit | undefined {
  const { requestsPerSecond } = { ...defaultLimits, ...limits };
  if (requestsPerSecond === 0) return undefined;
  return new RateLimit({ perSecond: requestsPerSecond, burst: requestsPerSecond * 10 });
}

function observerOf(metrics: Metrics): typeof traceAttempt {
  return (attempt) => {
    const { host, method } = attempt;
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
