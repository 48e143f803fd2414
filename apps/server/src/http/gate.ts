import type { IncomingMessage } from 'node:http';

import type { Access } from '../access/access.js';
import { type Caller, type RegistryCaller, anonymous } from '../access/caller.js';
import type { Action } from '../access/rule.js';
import { Standing } from '../access/standing.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { AuditEntry } from '../audit/audit-line.js';
import type { Metrics } from '../metrics/metrics.js';
import { AnonymousDenials } from './anonymous-denials.js';
import { RateLimit, callerKey, networkOf } from './rate-limit.js';
import {
  CredentialRejected,
  Refusal,
  denied,
  tooMany,
  unauthorized,
  unavailable,
} from './refusal.js';
import type { CallerContext, RegistryContext, RequestContext } from './request-context.js';

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
  readonly standing: Standing;
  readonly #options: GateOptions;
  readonly #failures = new RateLimit(failureRate);
  readonly #denials: AnonymousDenials;

  constructor(options: GateOptions) {
    this.#options = options;
    this.standing = new Standing(options.access);
    this.#denials = new AnonymousDenials(options.audit);
  }

  get access(): Access {
    return this.#options.access();
  }

  /** Lets a request in that shows no token of the registry flow. @throws Refusal 401, 429, 503 */
  async admit(request: IncomingMessage, context: RequestContext): Promise<CallerContext> {
    const caller = await this.#identify(request, context, (access) => access.authenticate(request));
    return { ...this.#let(context, caller), caller };
  }

  /** Lets a request of `/v2/` in. @throws Refusal 401, 429, 503 */
  async admitRegistry(request: IncomingMessage, context: RequestContext): Promise<RegistryContext> {
    const caller = await this.#identify<RegistryCaller>(request, context, (access) =>
      access.authenticateRegistry(request),
    );
    return { ...this.#let(context, caller.holder), caller };
  }

  /** Lets a caller in who sends a user name and a password in a form. @throws Refusal 401, 429, 503 */
  async login(
    context: RequestContext,
    { username, password }: { readonly username: string; readonly password: string },
  ): Promise<CallerContext> {
    this.#slowGuesses(context);
    const caller = await this.access.login(password).catch((error: unknown) => {
      throw this.#wrong(context, error, { event: 'login', reference: username.slice(0, 100) });
    });
    return { ...this.#let(context, caller), caller };
  }

  /** @throws Refusal 401 for anonymous callers, 403 for others */
  require(context: CallerContext, action: Action, repository?: string): void {
    if (this.access.permits(context.caller, action, repository)) return;
    throw this.refuse(context, action, repository);
  }

  /** As {@link require}, for what is filtered afterwards: anything of the namespace is enough. */
  requireWithin(context: CallerContext, action: Action, namespace?: string): void {
    if (this.access.permitsWithin(context.caller, action, namespace)) return;
    throw this.refuse(context, action, namespace);
  }

  /** A denial, written down. */
  refuse(context: RequestContext, action: string, repository: string | undefined): Refusal {
    this.#options.metrics.denials.inc({ reason: 'rule' });
    this.#record(context, { event: 'denied', repository, detail: action });
    if (context.who === anonymous.subject)
      return unauthorized('this needs credentials of the server');
    return denied(action, repository ?? 'the server');
  }

  /** Writes down a push that a quota does not allow. */
  noteOverQuota(context: RequestContext, repository: string, detail: string): void {
    this.#options.metrics.denials.inc({ reason: 'quota' });
    this.#record(context, { event: 'denied', repository, detail });
  }

  /** Writes down what is counted. */
  close(): void {
    this.#denials.flush();
  }

  async #identify<T extends Caller | RegistryCaller>(
    { headers }: IncomingMessage,
    context: RequestContext,
    authenticate: (access: Access) => Promise<T>,
  ): Promise<T> {
    const { access } = this;
    if (access.restricted && headers.authorization !== undefined) this.#slowGuesses(context);
    return authenticate(access).catch((error: unknown) => {
      throw this.#wrong(context, error, { event: 'denied' });
    });
  }

  #let(context: RequestContext, { subject, identity }: Caller): RequestContext {
    context.who = subject;
    const wait = this.#options.rate()?.take(callerKey(identity, context.client)) ?? 0;
    if (wait > 0) throw this.#limited('too many requests', wait);
    if (this.#options.audit?.refuses)
      throw unavailable('the audit log can not be written', 10, 'The operator has to make room.');
    return context;
  }

  /** Refused before they are compared: a right guess among many wrong ones is not told from these. */
  #slowGuesses({ client }: RequestContext): void {
    const wait = this.#failures.wait(networkOf(client));
    if (wait > 0) throw this.#limited('too many wrong credentials', wait);
  }

  /** Counts and writes down wrong credentials; other errors pass unchanged. */
  #wrong(
    context: RequestContext,
    error: unknown,
    line: Pick<AuditEntry, 'event' | 'reference'>,
  ): unknown {
    if (!(error instanceof Refusal) || error.status !== 401) return error;
    if (!(error instanceof CredentialRejected)) this.#failures.take(networkOf(context.client));
    this.#options.metrics.denials.inc({ reason: 'credentials' });
    this.#record(context, { ...line, detail: error.message });
    return error;
  }

  #limited(message: string, seconds: number): Refusal {
    this.#options.metrics.denials.inc({ reason: 'rate' });
    return tooMany(message, seconds);
  }

  #record(
    { who, client, id }: RequestContext,
    more: Pick<AuditEntry, 'event' | 'repository' | 'reference' | 'detail'>,
  ): void {
    const entry = { result: 'denied', who, client, request_id: id, ...more } as const;
    if (who === anonymous.subject) this.#denials.record(entry);
    else this.#options.audit?.record(entry);
  }
}
