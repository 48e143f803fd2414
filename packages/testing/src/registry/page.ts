import type { EndpointContext } from './endpoint.js';
import { type Reply, errorReply } from './reply.js';

interface PageOf<T> {
  readonly entries: readonly T[];
  readonly headers: Readonly<Record<string, string>>;
}

/** The entries of a list that `n` and `last` ask for, with the `Link` to those behind them. */
export function pageOf<T>(
  { request, behaviour }: EndpointContext,
  all: readonly T[],
  keyOf: (entry: T) => string,
): PageOf<T> | Reply {
  const query = request.url.searchParams;
  const asked = query.get('n');
  if (asked !== null && !/^\d+$/.test(asked)) return errorReply(400, 'PAGINATION_NUMBER_INVALID');
  const size = Math.min(asked === null ? Infinity : Number(asked), behaviour.pageSize);
  const last = query.get('last');
  const rest = last === null ? all : all.filter((entry) => keyOf(entry) > last);
  const entries = rest.slice(0, size);
  const final = entries.at(-1);
  if (final === undefined || entries.length === rest.length) return { entries, headers: {} };
  const next = new URL(request.url);
  if (asked !== null) next.searchParams.set('n', asked);
  next.searchParams.set('last', keyOf(final));
  return { entries, headers: { link: `<${next.pathname}${next.search}>; rel="next"` } };
}
