import {
  Counter,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  Registry,
  collectDefaultMetrics,
} from 'prom-client';

/** Hosts that upstream requests are told apart by. */
const maxUpstreams = 100;

/** What is read when Prometheus asks, instead of being counted. */
export interface MetricSources {
  readonly cache: () => Promise<{ readonly blobs: number; readonly bytes: number } | undefined>;
  readonly jobs: () => Readonly<Record<'queued' | 'running', number>>;
  readonly audit: () =>
    | {
        readonly pending: number;
        readonly lost: number;
        readonly failures: number;
        readonly lines: number;
      }
    | undefined;
}

const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * Every metric of the server, by Prometheus' rules for names: base units, `_total` for counters. No label
 * is of a repository, a digest or a client, whose number nothing bounds.
 */
export class Metrics {
  readonly registry: Registry = new Registry();
  readonly pulls: Counter<'kind' | 'result'>;
  readonly cacheRequests: Counter<'kind' | 'result'>;
  readonly downloadSeconds: Histogram<'kind'>;
  readonly transferredBytes: Counter<'direction'>;
  readonly pushes: Counter<'kind' | 'result'>;
  readonly requests: Counter<'handler' | 'method' | 'code'>;
  readonly requestSeconds: Histogram<'handler' | 'method'>;
  readonly inFlight: Gauge<'handler'>;
  readonly upstreamRequests: Counter<'host' | 'method' | 'code'>;
  readonly upstreamErrors: Counter<'host' | 'code'>;
  readonly upstreamSeconds: Histogram<'host'>;
  readonly coalesced: Counter;
  readonly retries: Counter;
  readonly waits: Counter;
  readonly waitSeconds: Counter;
  readonly evictions: Counter<'reason'>;
  readonly denials: Counter<'reason'>;
  readonly integrityFailures: Counter;
  readonly reloads: Counter<'result'>;
  readonly indexRefreshes: Counter<'result'>;

  readonly #upstreams = new Set<string>();

  constructor(sources: MetricSources) {
    const { registry } = this;
    const registers = [registry];
    const counter = <L extends string = never>(
      name: string,
      help: string,
      labelNames: readonly L[] = [],
    ): Counter<L> =>
      new Counter({
        name,
        help,
        labelNames: [...labelNames],
        registers,
      });
    const timer = <L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> =>
      new Histogram({ name, help, labelNames, registers, buckets: seconds });
    this.pulls = counter('oci_pulls_total', 'Pulls of manifests, packages and extensions.', [
      'kind',
      'result',
    ]);
    this.cacheRequests = counter(
      'oci_cache_requests_total',
      'Pulls through the cache, by whether it held all of them.',
      ['kind', 'result'],
    );
    this.downloadSeconds = timer(
      'oci_download_duration_seconds',
      'Time of pulls that downloaded something.',
      ['kind'],
    );
    this.transferredBytes = counter(
      'oci_transferred_bytes_total',
      'Bytes of content from upstreams, to clients and from clients.',
      ['direction'],
    );
    this.pushes = counter('oci_pushes_total', 'Manifests and blobs that clients pushed.', [
      'kind',
      'result',
    ]);
    this.requests = counter('oci_http_requests_total', 'Requests that were answered.', [
      'handler',
      'method',
      'code',
    ]);
    this.requestSeconds = timer(
      'oci_http_request_duration_seconds',
      'Time from the request to the end of its answer.',
      ['handler', 'method'],
    );
    this.inFlight = new Gauge({
      name: 'oci_http_requests_in_flight',
      help: 'Requests that run.',
      labelNames: ['handler'],
      registers,
    });
    this.upstreamRequests = counter('oci_upstream_requests_total', 'Requests to registries.', [
      'host',
      'method',
      'code',
    ]);
    this.upstreamErrors = counter(
      'oci_upstream_errors_total',
      'Requests to registries that got no answer, by the code of the failure.',
      ['host', 'code'],
    );
    this.upstreamSeconds = timer(
      'oci_upstream_request_duration_seconds',
      'Time until the headers of an answer.',
      ['host'],
    );
    this.coalesced = counter(
      'oci_coalesced_requests_total',
      'Downloads that joined one that was under way.',
    );
    this.retries = counter('oci_upstream_retries_total', 'Requests that were sent again.');
    this.waits = counter('oci_upstream_waits_total', 'Waits that registries asked for.');
    this.waitSeconds = counter('oci_upstream_wait_seconds_total', 'Time of these waits.');
    this.evictions = counter('oci_cache_evictions_total', 'Blobs that left the cache.', ['reason']);
    this.denials = counter('oci_denials_total', 'Requests that were refused.', ['reason']);
    this.integrityFailures = counter(
      'oci_integrity_failures_total',
      'Content that was not what its digest says.',
    );
    this.reloads = counter('oci_config_reloads_total', 'Times the configuration was read again.', [
      'result',
    ]);
    this.indexRefreshes = counter(
      'oci_artifact_index_refreshes_total',
      'Times the artifacts of a namespace were listed.',
      ['result'],
    );
    addSources(registry, sources);
    collectDefaultMetrics({ register: registry });
  }

  /** The label of a host; an upstream may lead to any number of others, which share one. */
  hostLabel(host: string): string {
    if (this.#upstreams.size < maxUpstreams) this.#upstreams.add(host);
    return this.#upstreams.has(host) ? host : 'other';
  }

  /** Pulls of manifests through `/v2/` that succeeded. */
  async registryPulls(): Promise<number> {
    const { values } = await this.pulls.get();
    const ours = values.filter(
      ({ labels }) => labels.kind === 'registry' && labels.result === 'ok',
    );
    return ours.reduce((sum, { value }) => sum + value, 0);
  }
}

function addSources(registry: Registry, sources: MetricSources): void {
  const registers = [registry];
  const gauge = (config: GaugeConfiguration<string>): Gauge => new Gauge({ ...config, registers });
  const cacheBytes = gauge({
    name: 'oci_cache_size_bytes',
    help: 'Bytes of the blobs in the cache.',
  });
  gauge({
    name: 'oci_cache_blobs',
    help: 'Blobs in the cache.',
    async collect() {
      const stats = await sources.cache();
      if (!stats) return;
      this.set(stats.blobs);
      cacheBytes.set(stats.bytes);
    },
  });
  gauge({
    name: 'oci_jobs',
    help: 'Jobs that wait or run.',
    labelNames: ['state'],
    collect() {
      for (const [state, count] of Object.entries(sources.jobs())) this.set({ state }, count);
    },
  });
  gauge({
    name: 'oci_audit_pending_lines',
    help: 'Lines that are not on the disk yet.',
    collect() {
      this.set(sources.audit()?.pending ?? 0);
    },
  });
  const sampled = (name: string, help: string, value: () => number): void => {
    const counter: Counter = new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(value());
      },
    });
    void counter;
  };
  sampled('oci_audit_lines_total', 'Lines of the audit log.', () => sources.audit()?.lines ?? 0);
  sampled(
    'oci_audit_write_failures_total',
    'Attempts to write the audit log that failed.',
    () => sources.audit()?.failures ?? 0,
  );
  sampled(
    'oci_audit_lost_lines_total',
    'Lines that there was no room for.',
    () => sources.audit()?.lost ?? 0,
  );
}
