import type { Action } from '../access/rule.js';
import type { CallerContext } from '../http/request-context.js';
import type { CallName, CallTypes } from './calls.js';
import type { Schema } from './json/envelope.js';

/** What the server takes and gives in one call, for its checks and for the OpenAPI document. */
export interface Endpoint<Input, Data> {
  readonly summary: string;
  readonly input?: Schema<Input>;
  readonly data: Schema<Data>;
  /** Actions of which a caller has to be allowed one, somewhere, before its body is read. */
  readonly needs?: readonly Action[];
  /** Default 200. */
  readonly status?: 200 | 202;
}

/** The endpoints of some calls. */
export type Endpoints<K extends CallName = CallName> = {
  readonly [N in K]: Endpoint<CallTypes[N][0], CallTypes[N][1]>;
};

/** Whose request is handled, and when they have gone. */
export interface ApiCall {
  readonly context: CallerContext;
  readonly signal: AbortSignal;
}

/** The functions that do the work of some calls, after the input was checked. */
export type Handlers<K extends CallName = CallName> = {
  readonly [N in K]: (
    input: CallTypes[N][0],
    call: ApiCall,
  ) => CallTypes[N][1] | Promise<CallTypes[N][1]>;
};
