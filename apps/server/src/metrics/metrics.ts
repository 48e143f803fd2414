import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

import { findingKinds } from '../hosted/verification/finding.js';
import { type MetricSources, addSampledMetrics } from './sampled-metrics.js';

/** Hosts that upstream requests are told apart by. */
const maxUpstreams = 100;

const seconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/**
 * Every metric of the server, by Prometheus' rules for names: base units, `_total` for counters. No label
 * is of a repository, a digest or a client, whose number nothing bounds; of namespaces with a quota there are few.
 */
export class Metrics {
  readonly registry: Registry = new Registry();
  readonly pulls: Counter<'kind' | 'result'> = this.#counter(
    'oci_pulls_total',
    'Pulls of manifests, packages and extensions.',
    ['kind', 'result'],
  );
  readonly cacheRequests: Counter<'kind' | 'result'> = this.#counter(
    'oci_cache_requests_total',
    'Pulls through the cache, by whether it held all of them.',
    ['kind', 'result'],
  );
  readonly downloadSeconds: Histogram<'kind'> = this.#timer(
    'oci_download_duration_seconds',
    'Time of pulls that downloaded something.',
    ['kind'],
  );
  readonly transferredBytes: Counter<'direction'> = this.#counter(
    'oci_transferred_bytes_total',
    'Bytes of content from upstreams, to clients and from clients.',
    ['direction'],
  );
  readonly pushes: Counter<'kind' | 'result'> = this.#counter(
    'oci_pushes_total',
    'Manifests and blobs that clients pushed.',
    ['kind', 'result'],
  );
  readonly requests: Counter<'handler' | 'method' | 'code'> = this.#counter(
    'oci_http_requests_total',
    'Requests that were answered.',
    ['handler', 'method', 'code'],
  );
  readonly requestSeconds: Histogram<'handler' | 'method'> = this.#timer(
    'oci_http_request_duration_seconds',
    'Time from the request to the end of its answer.',
    ['handler', 'method'],
  );
  readonly inFlight: Gauge<'handler'> = new Gauge({
    name: 'oci_http_requests_in_flight',
    help: 'Requests that run.',
    labelNames: ['handler'],
    registers: [this.registry],
  });
  readonly upstreamRequests: Counter<'host' | 'method' | 'code'> = this.#counter(
    'oci_upstream_requests_total',
    'Requests to registries.',
    ['host', 'method', 'code'],
  );
  readonly upstreamErrors: Counter<'host' | 'code'> = this.#counter(
    'oci_upstream_errors_total',
    'Requests to registries that got no answer, by the code of the failure.',
    ['host', 'code'],
  );
  readonly upstreamSeconds: Histogram<'host'> = this.#timer(
    'oci_upstream_request_duration_seconds',
    'Time until the headers of an answer.',
    ['host'],
  );
  readonly coalesced: Counter = this.#counter(
    'oci_coalesced_requests_total',
    'Downloads that joined one that was under way.',
  );
  readonly retries: Counter = this.#counter(
    'oci_upstream_retries_total',
    'Requests that were sent again.',
  );
  readonly waits: Counter = this.#counter(
    'oci_upstream_waits_total',
    'Waits that registries asked for.',
  );
  readonly waitSeconds: Counter = this.#counter(
    'oci_upstream_wait_seconds_total',
    'Time of these waits.',
  );
  readonly evictions: Counter<'reason'> = this.#counter(
    'oci_cache_evictions_total',
    'Blobs that left the cache.',
    ['reason'],
  );
  readonly denials: Counter<'reason'> = this.#counter(
    'oci_denials_total',
    'Requests that were refused.',
    ['reason'],
  );
  readonly integrityFailures: Counter = this.#counter(
    'oci_integrity_failures_total',
    'Content that was not what its digest says.',
  );
  readonly verifiedObjects: Counter = this.#counter(
    'oci_storage_verified_objects_total',
    'Stored content that verifications read.',
  );
  readonly verifiedBytes: Counter = this.#counter(
    'oci_storage_verified_bytes_total',
    'Bytes of stored content that verifications read.',
  );
  readonly verificationFindings: Counter<'kind'> = this.#counter(
    'oci_storage_verification_findings_total',
    'What verifications found to be wrong in the storage.',
    ['kind'],
  );
  readonly reloads: Counter<'result'> = this.#counter(
    'oci_config_reloads_total',
    'Times the configuration was read again.',
    ['result'],
  );
  readonly indexRefreshes: Counter<'result'> = this.#counter(
    'oci_artifact_index_refreshes_total',
    'Times the artifacts of a namespace were listed.',
    ['result'],
  );
  readonly webhookDeliveries: Counter<'webhook' | 'result'> = this.#counter(
    'oci_webhook_deliveries_total',
    'Events that were sent to webhooks, and events that were given up.',
    ['webhook', 'result'],
  );
  readonly droppedEvents: Counter = this.#counter(
    'oci_events_dropped_total',
    'Events that there was no room for.',
  );
  readonly collections: Counter<'result'> = this.#counter(
    'oci_storage_collections_total',
    'Collections of the hosted storage.',
    ['result'],
  );
  readonly collectedObjects: Counter<'kind'> = this.#counter(
    'oci_storage_collected_objects_total',
    'What collections removed.',
    ['kind'],
  );
  readonly collectedBytes: Counter<'kind'> = this.#counter(
    'oci_storage_collected_bytes_total',
    'Bytes of what collections removed.',
    ['kind'],
  );
  readonly retentionRuns: Counter<'result'> = this.#counter(
    'oci_retention_runs_total',
    'Runs of the rules of retention over hosted repositories.',
    ['result'],
  );
  readonly retentionRemovals: Counter<'kind'> = this.#counter(
    'oci_retention_removed_total',
    'Tags and manifests that rules of retention removed.',
    ['kind'],
  );
  readonly lostPulls: Counter = this.#counter(
    'oci_hosted_uncounted_pulls_total',
    'Pulls of hosted manifests that their usage lacks.',
  );

  readonly #upstreams = new Set<string>();

  constructor(sources: MetricSources) {
    addSampledMetrics(this.registry, sources);
    collectDefaultMetrics({ register: this.registry });
    this.#beginAtZero();
  }

  /** Shows these before they count, as `increase()` of Prometheus misses the first of a series that was not there. */
  #beginAtZero(): void {
    for (const kind of findingKinds) this.verificationFindings.inc({ kind }, 0);
    for (const result of ['ok', 'failed']) this.reloads.inc({ result }, 0);
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

  #counter<L extends string = never>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #timer<L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> {
    const registers = [this.registry];
    return new Histogram({ name, help, labelNames, registers, buckets: seconds });
  }
}
