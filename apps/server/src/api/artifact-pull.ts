import { installExtension } from '@oci/extensions';
import {
  type OciManager,
  type PulledArtifact,
  defaultTemplates,
  extensionRepository,
  kclRepository,
  pullJson,
} from '@oci/manager';
import { type Operation, type TransferEvent, asOciError } from '@oci/spec-types';
import type {
  ExtensionRequest,
  InstallJson,
  JobRequest,
  KclPullRequest,
  ServedPullJson,
} from '@oci/spec-types/api';

import { noInstallDir } from '../http/refusal.js';
import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';

/** For whom something is pulled, and who hears of it. */
export interface PullCall {
  readonly context: CallerContext;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TransferEvent) => void) | undefined;
}

/** The repository of what a request names, by the templates of the configuration. */
export function repositoryOf(
  parts: ServerParts,
  request: KclPullRequest | ExtensionRequest | JobRequest,
): string {
  const { namespace, templates } = parts.naming();
  const all = { ...defaultTemplates, ...templates };
  return 'type' in request
    ? extensionRepository(all, { namespace, type: request.type, name: request.name })
    : kclRepository(all, request.name);
}

/** Pulls into the cache of the server; counted and written down however it ends. */
export async function pullArtifact(
  parts: ServerParts,
  request: KclPullRequest | ExtensionRequest,
  call: PullCall,
): Promise<ServedPullJson> {
  const options = { signal: call.signal };
  const kind = 'type' in request ? 'extension' : 'kcl';
  const begin = (manager: OciManager): Operation<PulledArtifact> =>
    'type' in request
      ? manager.pullExtensionArtifact(request.type, request.name, request.version, options)
      : manager.pullKclPackage(request.name, request.version, options);
  const done = noted(parts, { event: 'pull', kind, repository: repositoryOf(parts, request) });
  return done(request, call, async (onEvent) => {
    const pulled = await parts.manager.use((manager) => {
      const operation = begin(manager);
      operation.on(onEvent);
      return operation;
    });
    const source = pulled.fromCache ? 'cache' : hostOf(pulled.reference);
    return { ...pullJson(pulled), source };
  });
}

/** Installs on the server. @throws Refusal 422 when it installs nothing */
export async function installArtifact(
  parts: ServerParts,
  request: ExtensionRequest,
  call: PullCall,
): Promise<InstallJson> {
  const installDir = parts.installDir() ?? noInstallDir();
  const repository = repositoryOf(parts, request);
  const done = noted(parts, { event: 'install', kind: 'extension', repository });
  return done(request, call, async (onEvent) => {
    const { signal } = call;
    const installed = await parts.manager.use((manager) => {
      const operation = installExtension(manager, request, { installDir, signal });
      operation.on(onEvent);
      return operation;
    });
    const { path, type, name, version, digest, manifestDigest, changed } = installed;
    const digests = { digest, manifest_digest: manifestDigest, content_digest: digest };
    return { path, type, name, version, ...digests, changed };
  });
}

interface Noted {
  readonly event: 'pull' | 'install';
  readonly kind: 'kcl' | 'extension';
  readonly repository: string;
}

/** Runs work, and tells the metrics and the audit log how it went. */
function noted(parts: ServerParts, { event, kind, repository }: Noted) {
  return async <T extends { readonly digest: string }>(
    request: { readonly version: string },
    call: PullCall,
    work: (onEvent: (event: TransferEvent) => void) => Promise<T>,
  ): Promise<T> => {
    const tally = new Tally(parts, call.onEvent);
    const startedAt = performance.now();
    const line = {
      event,
      who: call.context.who,
      client: call.context.client,
      request_id: call.context.id,
      repository,
      reference: request.version,
    } as const;
    try {
      const result = await work((event) => tally.heard(event));
      const ms = performance.now() - startedAt;
      const hit = tally.bytes === 0;
      parts.metrics.pulls.inc({ kind, result: 'ok' });
      parts.metrics.cacheRequests.inc({ kind, result: hit ? 'hit' : 'miss' });
      if (!hit) parts.metrics.downloadSeconds.observe({ kind }, ms / 1000);
      parts.audit?.record({
        ...line,
        result: 'ok',
        digest: result.digest,
        bytes: tally.bytes,
        source: hit ? 'cache' : 'registry',
        duration_ms: Math.round(ms),
      });
      return result;
    } catch (error) {
      parts.metrics.pulls.inc({ kind, result: 'failed' });
      const { code } = asOciError(error);
      if (code === 'DIGEST_MISMATCH') parts.metrics.integrityFailures.inc();
      parts.audit?.record({ ...line, result: 'failed', bytes: tally.bytes, detail: code });
      throw error;
    }
  };
}

/** Bytes that came from the registry, and what else is counted on the way. */
class Tally {
  bytes = 0;
  readonly #parts: ServerParts;
  readonly #onEvent: PullCall['onEvent'];
  readonly #done = new Map<string, number>();

  constructor(parts: ServerParts, onEvent: PullCall['onEvent']) {
    this.#parts = parts;
    this.#onEvent = onEvent;
  }

  heard(event: TransferEvent): void {
    const { metrics } = this.#parts;
    if (event.type === 'bytes') this.#came(event.digest, event.done);
    if (event.type === 'retry') metrics.retries.inc();
    if (event.type === 'joined') metrics.coalesced.inc();
    if (event.type === 'damaged') metrics.integrityFailures.inc();
    if (event.type === 'wait') {
      metrics.waits.inc();
      metrics.waitSeconds.inc(event.delayMs / 1000);
    }
    this.#onEvent?.(event);
  }

  #came(digest: string, done: number): void {
    const more = Math.max(0, done - (this.#done.get(digest) ?? 0));
    this.#done.set(digest, done);
    this.bytes += more;
    this.#parts.metrics.transferredBytes.inc({ direction: 'upstream' }, more);
  }
}

function hostOf(reference: string): string {
  return reference.split('/', 1)[0] ?? reference;
}
