import { type TransferEvent, asOciError, isDigest, isRepositoryName } from '@oci/spec-types';

import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';

/** For whom something is pulled, and who hears of it. */
export interface PullCall {
  readonly context: CallerContext;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TransferEvent) => void) | undefined;
}

/** A pull or an install, as the metrics and the audit log name it. */
export interface PullSubject {
  readonly event: 'pull' | 'install';
  readonly kind: 'kcl' | 'extension';
  readonly repository: string;
  readonly version: string;
}

/** Runs a pull or an install, and tells the metrics and the audit log how it went. */
export async function recorded<T extends { readonly digest: string }>(
  parts: ServerParts,
  { subject, call }: { readonly subject: PullSubject; readonly call: PullCall },
  work: (onEvent: (event: TransferEvent) => void) => Promise<T>,
): Promise<T> {
  const record = new PullRecord(parts, subject, call);
  try {
    const result = await work((event) => record.heard(event));
    record.done(result.digest);
    return result;
  } catch (error) {
    record.failed(error);
    throw error;
  }
}

class PullRecord {
  readonly #parts: ServerParts;
  readonly #subject: PullSubject;
  readonly #call: PullCall;
  readonly #startedAt = performance.now();
  readonly #done = new Map<string, number>();
  /** Bytes that came from the registry. */
  #bytes = 0;

  constructor(parts: ServerParts, subject: PullSubject, call: PullCall) {
    this.#parts = parts;
    this.#subject = subject;
    this.#call = call;
  }

  heard(event: TransferEvent): void {
    const { metrics } = this.#parts;
    if (event.type === 'bytes') this.#count(event.digest, event.done);
    if (event.type === 'retry') metrics.retries.inc();
    if (event.type === 'joined') metrics.coalesced.inc();
    if (event.type === 'damaged') metrics.integrityFailures.inc();
    if (event.type === 'wait') {
      metrics.waits.inc();
      metrics.waitSeconds.inc(event.delayMs / 1000);
    }
    this.#call.onEvent?.(event);
  }

  done(digest: string): void {
    const { metrics, audit, hosted } = this.#parts;
    const { kind, repository } = this.#subject;
    // Also from the cache: who pulls it needs it.
    if (isRepositoryName(repository) && isDigest(digest)) hosted.pulls.note(repository, digest);
    const ms = performance.now() - this.#startedAt;
    const bytes = this.#bytes;
    const isHit = bytes === 0;
    metrics.pulls.inc({ kind, result: 'ok' });
    metrics.cacheRequests.inc({ kind, result: isHit ? 'hit' : 'miss' });
    if (!isHit) metrics.downloadSeconds.observe({ kind }, ms / 1000);
    const source = isHit ? 'cache' : 'registry';
    const end = { digest, bytes, source, duration_ms: Math.round(ms) } as const;
    audit?.record({ ...this.#line(), result: 'ok', ...end });
  }

  failed(error: unknown): void {
    const { metrics, audit } = this.#parts;
    const { code } = asOciError(error);
    metrics.pulls.inc({ kind: this.#subject.kind, result: 'failed' });
    if (code === 'DIGEST_MISMATCH') metrics.integrityFailures.inc();
    audit?.record({ ...this.#line(), result: 'failed', bytes: this.#bytes, detail: code });
  }

  #count(digest: string, done: number): void {
    const more = Math.max(0, done - (this.#done.get(digest) ?? 0));
    this.#done.set(digest, done);
    this.#bytes += more;
    this.#parts.metrics.transferredBytes.inc({ direction: 'upstream' }, more);
  }

  #line() {
    const { event, repository, version } = this.#subject;
    const { who, client, id } = this.#call.context;
    return { event, who, client, request_id: id, repository, reference: version };
  }
}
