import type { IncomingMessage } from 'node:http';

import type { Access } from '../access/access.js';
import { type Action, anonymous } from '../access/rule.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { Metrics } from '../metrics/metrics.js';
import { RateLimit } from './rate-limit.js';
import { Refusal, denied, tooMany, unauthorized, unavailable } from './refusal.js';
import type { RequestContext } from './request-context.js';

/** What every request passes, whichever way it is handled. */
export interface GateOptions {
  readonly access: () => Access;
  /** Requests of one client; undefined when there is no limit. */
  readonly rate: () => RateLimit | undefined;
  readonly audit: AuditLog | undefined;
  readonly metrics: Metrics;
}

/** Wrong credentials of one address: a guess every three seconds, after twenty at once. */
const failureRate = { perSecond: 1 / 3, burst: 20 };

/** Finds out who asks, and refuses what no rule allows; what is refused is in the audit log. */
export class Gate {
  readonly #options: GateOptions;
  readonly #failures = new RateLimit(failureRate);

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get access(): Access {
    return this.#options.access();
  }

  /** Notes who asks. @throws Refusal 401, 429, 503 */
  async admit(request: IncomingMessage, context: RequestContext): Promise<void> {
    try {
      context.caller = await this.access.authenticate(request);
    } catch (error) {
      throw error instanceof Refusal && error.status === 401 ? this.#wrong(context, error) : error;
    }
    const key =
      context.caller.subject === anonymous.subject ? context.client : context.caller.subject;
    const wait = this.#options.rate()?.take(key) ?? 0;
    if (wait > 0) throw this.#limited('too many requests', wait);
    if (this.#options.audit?.refuses)
      throw unavailable('the audit log can not be written', 10, 'The operator has to make room.');
  }

  /** @throws Refusal 401 for who did not say who they are, 403 for others */
  require(context: RequestContext, action: Action, repository?: string): void {
    if (this.access.permits(context.caller, action, repository)) return;
    throw this.refuse(context, action, repository);
  }

  /** As {@link require}, for what is filtered afterwards: anything of the namespace is enough. */
  requireWithin(context: RequestContext, action: Action, namespace?: string): void {
    if (this.access.permitsWithin(context.caller, action, namespace)) return;
    throw this.refuse(context, action, namespace);
  }

  /** A denial, written down. */
  refuse(context: RequestContext, action: string, repository: string | undefined): Refusal {
    this.#options.metrics.denials.inc({ reason: 'rule' });
    this.#record(context, { repository, detail: action });
    if (context.caller.subject === anonymous.subject)
      return unauthorized('this needs credentials of the server');
    return denied(action, repository ?? 'the server');
  }

  /** A login that failed counts as wrong credentials too. */
  wrongLogin(context: RequestContext, username: string, refusal: Refusal): Refusal {
    const wait = this.#failures.take(context.client);
    if (wait > 0) return this.#limited('too many wrong credentials', wait);
    this.#options.metrics.denials.inc({ reason: 'credentials' });
    this.#options.audit?.record({
      event: 'login',
      result: 'denied',
      who: 'anonymous',
      client: context.client,
      request_id: context.id,
      reference: username.slice(0, 100),
      detail: refusal.message,
    });
    return refusal;
  }

  /** Guesses are slowed down and do not flood the log; whoever has the right ones is not held up by them. */
  #wrong(context: RequestContext, refusal: Refusal): Refusal {
    const wait = this.#failures.take(context.client);
    if (wait > 0) return this.#limited('too many wrong credentials', wait);
    this.#options.metrics.denials.inc({ reason: 'credentials' });
    this.#record(context, { detail: refusal.message });
    return refusal;
  }

  #limited(message: string, seconds: number): Refusal {
    this.#options.metrics.denials.inc({ reason: 'rate' });
    return tooMany(message, seconds);
  }

  #record(
    context: RequestContext,
    more: { readonly repository?: string | undefined; readonly detail: string },
  ): void {
    this.#options.audit?.record({
      event: 'denied',
      result: 'denied',
      who: context.caller.subject,
      client: context.client,
      request_id: context.id,
      ...more,
    });
  }
}
