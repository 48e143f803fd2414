import type { Exchange } from './exchange.js';

/** Gives each request a signal of its own: listeners on one that many calls share look like a leak to Node. */
export function ownSignal(next: Exchange): Exchange {
  return (request) => {
    const { signal } = request;
    return next(signal ? { ...request, signal: AbortSignal.any([signal]) } : request);
  };
}

/** A signal that fires with the one that was given, if any, or with our own. */
export function eitherSignal(given: AbortSignal | undefined, own: AbortSignal): AbortSignal {
  return given ? AbortSignal.any([given, own]) : own;
}
