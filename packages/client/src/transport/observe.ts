import { type OciErrorCode, asOciError, checkedListener } from '@oci/spec-types';

import type { Exchange } from './exchange.js';

/** One request as it goes out: every retry and every redirect is one of its own. */
export interface Attempt {
  readonly method: string;
  /** Without its query, which may be signed. */
  readonly url: string;
  readonly host: string;
}

/** How an attempt ended: with an answer, or without one. */
export type AttemptOutcome = { readonly status: number } | { readonly code: OciErrorCode };

/** Hears that a request goes out. @returns what hears of its end, once its headers are there */
export type AttemptObserver = (attempt: Attempt) => ((outcome: AttemptOutcome) => void) | undefined;

/** Lets an observer hear of every request, for metrics and traces. */
export function observed(send: Exchange, observer: AttemptObserver): Exchange {
  const begin = checkedListener(observer);
  return async (request) => {
    const { method, url } = request;
    const heard = begin({ method, url: url.origin + url.pathname, host: url.host });
    const ended = heard && checkedListener(heard);
    const response = await send(request).catch((error: unknown) => {
      ended?.({ code: asOciError(error).code });
      throw error;
    });
    try {
      ended?.({ status: response.status });
    } catch (error) {
      response.body.destroy();
      throw error;
    }
    return response;
  };
}
