import type { RequestListener } from 'node:http';

import { openCache } from '@oci/cache';
import type { FastifyInstance } from 'fastify';

import { createApp } from './api/app.js';
import { ArtifactIndex } from './artifact-index.js';
import { AuditLog, type AuditTrouble } from './audit/audit-log.js';
import { type DirectoryClaim, claimDirectories } from './directory-claim.js';
import { type ServerEvents, createServerEvents } from './events/server-events.js';
import { type HostedStorage, openStorage } from './hosted/storage.js';
import { createEntry, holdUntil } from './http/entry.js';
import { Gate } from './http/gate.js';
import {
  checkTls,
  closeListener,
  createListener,
  listen,
  reloadCertificates,
} from './http/listener.js';
import { JobQueue } from './jobs/job-queue.js';
import { formatOrigin } from './listen-address.js';
import { Metrics } from './metrics/metrics.js';
import { sampled } from './metrics/sampled.js';
import { type Phase, reasonsAgainst } from './readiness.js';
import type { Reloaded } from './reloadable-options.js';
import { createRegistryApi } from './registry-api/registry-api.js';
import {
  type ServerOptions,
  connectionLimits,
  defaultLimits,
  lacksPublicUrl,
  publicUrlHint,
  refusePublicHttp,
} from './server-options.js';
import type { ServerParts } from './server-parts.js';
import { createServerRegistry, quotaFigures } from './server-registry.js';
import { ServerState } from './server-state.js';
import { startStorageWork } from './storage-work.js';
import { traceRequest } from './tracing/tracing.js';

/** Milliseconds that a count of the cache serves as a metric: it takes some microseconds for each blob. */
const usageMs = 60_000;

export interface RunningServer {
  /** Of the server's own lines. */
  readonly log: { error(fields: object, message: string): void };
  /** `http://host:port`, or `https://`. */
  readonly url: string;
  /**
   * Takes over all options that a running server can change, without ending anything.
   *
   * @throws OciError `CONFIG_INVALID`, and nothing has changed
   */
  reload(options: ServerOptions): Promise<Reloaded>;
  /** Lets running requests end, at most `graceMs` (default `shutdownGraceMs`), and closes. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Starts the registry and the API on one port.
 *
 * @throws OciError `POLICY_REFUSED` for an address that others reach, `CONFIG_INVALID` when it is taken, and
 *   `STORAGE_FAILED` or `STORAGE_DENIED` when a directory cannot be used, or another server uses it
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  refusePublicHttp(options);
  const storage = await openStorage(options.dataDir, options.storage);
  return new OciServer(options, storage).start();
}

class OciServer {
  readonly #state: ServerState;
  readonly #parts: ServerParts;
  readonly #app: FastifyInstance;
  readonly #storage: HostedStorage;
  #phase: Phase = 'starting';
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => (this.#open = resolve));
  #claim: DirectoryClaim | undefined;
  #url = '';
  /** What the listener asks certificates of; without any it would take those of public authorities. */
  #clientCa: string | undefined;
  #endStorageWork: () => Promise<void> = async () => {};

  constructor(options: ServerOptions, storage: HostedStorage) {
    this.#storage = storage;
    this.#state = new ServerState(options, () => ({ ...this.#parts, url: this.#url }));
    this.#clientCa = options.tls?.clientCa;
    this.#parts = this.#createParts(options);
    this.#app = createApp({
      parts: this.#parts,
      logLevel: options.logLevel,
      attach: (handler) => {
        const entry = holdUntil(this.#opened, this.#createEntry(handler));
        return createListener(entry, {
          tls: options.tls,
          connections: connectionLimits(() => this.#state),
        });
      },
    });
  }

  async start(): Promise<RunningServer> {
    const { options } = this.#state;
    await this.#app.ready();
    const address = await listen(this.#app.server, options.listen);
    await this.#claimDirectories(options).catch(async (error: unknown) => {
      this.#phase = 'closing';
      this.#open();
      await Promise.all([
        closeListener(this.#app.server),
        this.#app.close(),
        this.#claim?.release(),
      ]);
      this.#storage.close();
      throw error;
    });
    const scheme = options.tls ? 'https' : 'http';
    this.#url = formatOrigin({ host: options.listen.host, port: address.port }, scheme);
    if (lacksPublicUrl(options)) this.#app.log.warn(publicUrlHint);
    this.#note({ result: 'ok', detail: 'started' });
    this.#phase = 'open';
    this.#open();
    const present = (): ServerOptions => this.#state.options;
    this.#endStorageWork = startStorageWork(this.#parts, present, this.#app.log);
    this.#parts.events.delivery.start();
    this.#app.log.info({ url: this.#url }, `oci-server listens on ${this.#url}`);
    return {
      log: this.#app.log,
      url: this.#url,
      reload: (next) => this.#reload(next),
      close: ({ graceMs = this.#state.options.shutdownGraceMs ?? 30_000 } = {}) =>
        this.#close(graceMs),
    };
  }

  async #reload(given: ServerOptions): Promise<Reloaded> {
    const { reloads } = this.#parts.metrics;
    let needsRestart: readonly string[];
    try {
      if (given.tls) checkTls(given.tls);
      needsRestart = this.#state.reload(given);
    } catch (error) {
      reloads.inc({ result: 'failed' });
      throw error;
    }
    const { tls, logLevel } = this.#state.options;
    this.#clientCa = tls?.clientCa ?? this.#clientCa;
    if (tls) reloadCertificates(this.#app.server, { ...tls, clientCa: this.#clientCa });
    if (logLevel !== undefined) this.#app.log.level = logLevel;
    this.#parts.gate.standing.check();
    this.#parts.events.delivery.update();
    this.#parts.index.clear();
    await this.#parts.audit?.reopen();
    reloads.inc({ result: 'ok' });
    const left =
      needsRestart.length === 0 ? '' : `; a restart is needed for ${needsRestart.join(', ')}`;
    this.#note({ result: 'ok', detail: `configuration read again${left}` });
    return { needsRestart };
  }

  async #close(graceMs: number): Promise<void> {
    this.#phase = 'closing';
    const ended = this.#endStorageWork();
    const { server } = this.#app;
    const deadline = setTimeout(() => server.closeAllConnections(), graceMs);
    const delivered = this.#parts.events.delivery.close(graceMs);
    await Promise.all([this.#parts.jobs.close(), ended]);
    // Fastify closes only what it listens on itself.
    await Promise.all([closeListener(server), this.#app.close()]);
    clearTimeout(deadline);
    await delivered;
    await this.#parts.hosted.pulls.flush();
    await this.#state.close();
    this.#parts.gate.close();
    await this.#parts.hosted.close();
    this.#note({ result: 'ok', detail: 'ended' });
    await this.#parts.audit?.close();
    await this.#claim?.release();
    this.#storage.close();
  }

  async #claimDirectories(options: ServerOptions): Promise<void> {
    this.#claim = await claimDirectories(options, (directory) =>
      this.#app.log.warn({ directory }, 'waiting for another server'),
    );
    await this.#storage.prepare(this.#app.log);
    const isNew = await this.#parts.audit?.open();
    // A log that was removed as a whole leaves nothing that could say so.
    const detail = 'a new log begins, although the data directory was in use';
    if (isNew && this.#claim.isUsed)
      this.#parts.audit?.record({ event: 'gap', result: 'failed', who: 'server', detail });
  }

  #createParts(options: ServerOptions): ServerParts {
    const state = this.#state;
    const audit =
      options.audit &&
      new AuditLog({ ...options.audit, onTrouble: (trouble) => this.#tell(trouble) });
    const jobs = new JobQueue();
    const cache = () => openCache(state.options.manager.cacheDir);
    const verifiedAt = async () => (await hosted.verification.status()).last?.endedAt;
    const collectedAt = async () => (await hosted.collection.status()).lastDoneAt;
    const metrics: Metrics = new Metrics({
      cache: sampled(usageMs, async () => (await cache()).usage()),
      jobs: () => jobs.counts,
      audit: () => audit?.stats,
      events: () => events.delivery.figures,
      collectedAt: sampled(usageMs, () => collectedAt().catch(() => undefined)),
      verifiedAt: sampled(usageMs, () => verifiedAt().catch(() => undefined)),
      quotas: sampled(usageMs, () => quotaFigures(hosted)),
    });
    const events = this.#createEvents(metrics);
    const hosted = createServerRegistry({
      store: this.#storage.store,
      options: () => state.options,
      journal: events.outbox,
      metrics,
      log: {
        warn: (fields, message) => this.#app.log.warn(fields, message),
        error: (fields, message) => this.#app.log.error(fields, message),
      },
      onDamagedRecord: (key) => this.#onDamagedRecord(key),
    });
    const access = () => state.access;
    return {
      gate: new Gate({ access, rate: () => state.rate, audit, metrics }),
      audit,
      metrics,
      jobs,
      cache,
      index: artifactIndex(state, metrics),
      events,
      hosted,
      onFinding: ({ kind, key, digest, repositories }, text) =>
        this.#app.log.error({ kind, key, digest, repositories }, text),
      manager: state.manager,
      naming: () => state.options.manager,
      installDir: () => state.options.installDir,
      maxUploadBytes: () => ({ ...defaultLimits, ...state.options.limits }).maxUploadBytes,
      isSparseAllowed: () => state.options.sparseManifests ?? false,
      notReady: () => {
        const onFailure = (error: unknown): void =>
          this.#app.log.error({ err: error }, 'not ready');
        const storage = this.#storage;
        return reasonsAgainst({ phase: this.#phase, audit, storage, onFailure });
      },
      onDefect: (error, requestId) => this.#app.log.error({ err: error, reqId: requestId }),
    };
  }

  #createEvents(metrics: Metrics): ServerEvents {
    const log = (level: 'info' | 'warn' | 'error') => (fields: object, message: string) =>
      this.#app.log[level](fields, message);
    return createServerEvents({
      store: this.#storage.store,
      isShared: this.#state.options.storage?.kind === 's3',
      webhooks: () => this.#state.webhooks,
      source: () => this.#state.options.events?.source ?? 'oci-server',
      metrics,
      log: { info: log('info'), warn: log('warn'), error: log('error') },
      onDamagedRecord: (key) => this.#onDamagedRecord(key),
      delivery: this.#state.options.events?.delivery,
    });
  }

  #onDamagedRecord(key: string): void {
    this.#app.log.error({ key }, 'stored record is damaged: push what it is of again to repair it');
  }

  #createEntry(app: RequestListener): RequestListener {
    const registry = createRegistryApi({
      parts: this.#parts,
      realm: (request) => `${this.#state.originFor(request, this.#url)}/token`,
    });
    return createEntry({
      registry: (request, response) => void registry(request, response),
      app,
      clientOf: (request) => this.#state.proxies.clientOf(request),
      namesFor: (request) => this.#state.namesFor(request),
      metrics: this.#parts.metrics,
      isClosing: () => this.#phase !== 'open',
      traced: traceRequest,
      onEnd: (context, { method, url = '' }, status) => {
        const ms = Math.round(performance.now() - context.startedAt);
        const path = url.split('?', 1)[0];
        const { id: reqId, client, who } = context;
        const line = { reqId, client, who, method, path, status, ms };
        this.#app.log.info(line, 'request');
      },
    });
  }

  #tell({ error, pending, lost }: AuditTrouble): void {
    if (error === undefined) this.#app.log.warn({ lost }, 'the audit log is written again');
    else this.#app.log.error({ err: error, pending }, 'the audit log can not be written');
  }

  #note(what: { readonly result: 'ok' | 'failed'; readonly detail: string }): void {
    this.#parts.audit?.record({ event: 'server', who: 'server', ...what });
    this.#app.log.info(what.detail);
  }
}

function artifactIndex(state: ServerState, metrics: Metrics): ArtifactIndex {
  return new ArtifactIndex({
    list: (namespace) => state.manager.use((manager) => manager.listOciArtifacts(namespace)),
    onRefresh: (result) => metrics.indexRefreshes.inc({ result }),
  });
}
