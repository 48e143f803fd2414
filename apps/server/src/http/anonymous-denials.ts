import type { AuditLog } from '../audit/audit-log.js';
import type { AuditEntry } from '../audit/audit-line.js';
import { networkOf } from './rate-limit.js';

/** How long denials are counted before a line says how many there were, in milliseconds. */
const windowMs = 60_000;

/** Clients that are told apart within that time. */
const maxClients = 1000;

interface Counted {
  readonly first: AnonymousDenial;
  more: number;
}

export type AnonymousDenial = AuditEntry & { readonly client: string };

/**
 * Denials of callers who proved nothing. The first of a client is a line of the audit log at once; the others
 * of the same minute are one line with their number, so that nobody fills the log without a credential.
 */
export class AnonymousDenials {
  readonly #audit: AuditLog | undefined;
  readonly #clients = new Map<string, Counted>();
  #others = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(audit: AuditLog | undefined) {
    this.#audit = audit;
  }

  record(denial: AnonymousDenial): void {
    if (!this.#audit) return;
    this.#timer ??= setTimeout(() => this.flush(), windowMs).unref();
    const key = `${denial.event} ${networkOf(denial.client)}`;
    const known = this.#clients.get(key);
    if (known) {
      known.more += 1;
    } else if (this.#clients.size < maxClients) {
      this.#clients.set(key, { first: denial, more: 0 });
      this.#audit.record(denial);
    } else {
      this.#others += 1;
    }
  }

  /** Writes down what was counted, and begins anew. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { first, more } of this.#clients.values()) {
      const { event, client } = first;
      if (more > 0) this.#audit?.record({ ...summary, event, client, count: more });
    }
    if (this.#others > 0)
      this.#audit?.record({ ...summary, detail: 'denied to other clients', count: this.#others });
    this.#clients.clear();
    this.#others = 0;
  }
}

const summary = {
  event: 'denied',
  result: 'denied',
  who: 'anonymous',
  detail: 'denied again',
} as const;
