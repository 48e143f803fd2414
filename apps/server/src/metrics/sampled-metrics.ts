import { Counter, Gauge, type GaugeConfiguration, type Registry } from 'prom-client';

/** Sources that are read when Prometheus asks, instead of being counted. */
export interface MetricSources {
  readonly cache: () => Promise<{ readonly blobs: number; readonly bytes: number } | undefined>;
  readonly jobs: () => Readonly<Record<'queued' | 'running', number>>;
  readonly audit: () => AuditFigures | undefined;
  readonly events: () => EventFigures;
  /** When the last collection that was done ended: milliseconds since the epoch. */
  readonly collectedAt: () => Promise<number | undefined>;
  /** When the last whole verification ended: milliseconds since the epoch. */
  readonly verifiedAt: () => Promise<number | undefined>;
  /** How full namespaces are; a bounded number of them. */
  readonly quotas: () => Promise<readonly QuotaFigures[]>;
}

interface QuotaFigures {
  readonly namespace: string;
  /** Bytes. */
  readonly used: number;
  /** Bytes. */
  readonly limit: number;
}

interface AuditFigures {
  readonly pending: number;
  readonly lost: number;
  readonly failures: number;
  readonly lines: number;
}

interface EventFigures {
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly oldestAt: number | undefined;
}

/** Adds the metrics that {@link MetricSources} are read for. */
export function addSampledMetrics(registry: Registry, sources: MetricSources): void {
  addCache(registry, sources.cache);
  addJobs(registry, sources.jobs);
  addAudit(registry, sources.audit);
  addEvents(registry, sources.events);
  addQuotas(registry, sources.quotas);
  addCollection(registry, sources.collectedAt);
  addVerification(registry, sources.verifiedAt);
}

function addQuotas(registry: Registry, quotas: MetricSources['quotas']): void {
  const gauge = (name: string, help: string, figure: 'used' | 'limit'): void =>
    add(registry, {
      name,
      help,
      labelNames: ['namespace'],
      async collect() {
        const figures = await quotas();
        this.reset();
        for (const { namespace, [figure]: bytes } of figures) this.set({ namespace }, bytes);
      },
    });
  gauge(
    'oci_quota_used_bytes',
    'Bytes that the repositories of a namespace with a quota hold.',
    'used',
  );
  gauge('oci_quota_limit_bytes', 'Bytes that the repositories of a namespace may hold.', 'limit');
}

function addCache(registry: Registry, cache: MetricSources['cache']): void {
  const registers = [registry];
  const help = 'Bytes of the blobs in the cache.';
  const bytes = new Gauge({ name: 'oci_cache_size_bytes', help, registers });
  add(registry, {
    name: 'oci_cache_blobs',
    help: 'Blobs in the cache.',
    async collect() {
      const stats = await cache();
      if (!stats) return;
      this.set(stats.blobs);
      bytes.set(stats.bytes);
    },
  });
}

function addCollection(registry: Registry, collectedAt: MetricSources['collectedAt']): void {
  add(registry, {
    name: 'oci_storage_collected_timestamp_seconds',
    help: 'When the last collection of the storage that was done ended; 0 before the first.',
    async collect() {
      this.set(((await collectedAt()) ?? 0) / 1000);
    },
  });
}

function addVerification(registry: Registry, verifiedAt: MetricSources['verifiedAt']): void {
  add(registry, {
    name: 'oci_storage_verified_timestamp_seconds',
    help: 'When the last whole verification of the storage ended; 0 before the first.',
    async collect() {
      this.set(((await verifiedAt()) ?? 0) / 1000);
    },
  });
}

function addJobs(registry: Registry, jobs: MetricSources['jobs']): void {
  add(registry, {
    name: 'oci_jobs',
    help: 'Jobs that wait or run.',
    labelNames: ['state'],
    collect() {
      for (const [state, count] of Object.entries(jobs())) this.set({ state }, count);
    },
  });
}

function addAudit(registry: Registry, audit: MetricSources['audit']): void {
  add(registry, {
    name: 'oci_audit_pending_lines',
    help: 'Lines that are not on the disk yet.',
    collect() {
      this.set(audit()?.pending ?? 0);
    },
  });
  const total = (name: string, help: string, figure: keyof AuditFigures): void =>
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(audit()?.[figure] ?? 0);
        },
      }),
    );
  total('oci_audit_lines_total', 'Lines of the audit log.', 'lines');
  total(
    'oci_audit_write_failures_total',
    'Attempts to write the audit log that failed.',
    'failures',
  );
  total('oci_audit_lost_lines_total', 'Lines that there was no room for.', 'lost');
}

function addEvents(registry: Registry, events: MetricSources['events']): void {
  add(registry, {
    name: 'oci_events_pending',
    help: 'Events that wait for webhooks, in the process that delivers.',
    collect() {
      this.set(events().count);
    },
  });
  add(registry, {
    name: 'oci_events_pending_bytes',
    help: 'Bytes of the events that wait.',
    collect() {
      this.set(events().bytes);
    },
  });
  add(registry, {
    name: 'oci_events_oldest_pending_age_seconds',
    help: 'Age of the oldest event that waits.',
    collect() {
      const { oldestAt } = events();
      this.set(oldestAt === undefined ? 0 : Math.max(0, (Date.now() - oldestAt) / 1000));
    },
  });
}

function add(registry: Registry, gauge: GaugeConfiguration<string>): void {
  registry.registerMetric(new Gauge({ ...gauge, registers: [] }));
}
