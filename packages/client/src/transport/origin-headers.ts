import type { Exchange } from './exchange.js';

/** Adds headers to the requests for one origin; behind a redirect nothing is added again. */
export function addHeaders(
  next: Exchange,
  origin: URL,
  headers: Readonly<Record<string, string>>,
): Exchange {
  return (request) =>
    request.url.origin === origin.origin
      ? next({ ...request, headers: { ...headers, ...request.headers } })
      : next(request);
}
