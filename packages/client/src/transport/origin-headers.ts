import { OciError, onceDone } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

import type { Exchange } from './exchange.js';

/** Headers, or how they are found when the first request needs them. */
export type HeaderSource =
  Readonly<Record<string, string>> | (() => Promise<Readonly<Record<string, string>>>);

/** Credentials have a place of their own, and the headers that HTTP itself needs are not for a file. */
export function isSettableHeader(name: string): boolean {
  return (
    /^[A-Za-z0-9-]+$/.test(name) &&
    !/^(?:authorization|proxy-authorization|host|content-length|transfer-encoding|connection)$/i.test(
      name,
    )
  );
}

/** Whether a value can be sent as it is: a line end would begin another header (RFC 9110, section 5.5). */
export function isHeaderValue(value: unknown): value is string {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/** Several sources in one; of a header that several have, the last counts. */
export function mergeHeaders(...sources: readonly (HeaderSource | undefined)[]): HeaderSource {
  return async () => {
    const all = await Promise.all(sources.map(async (source) => readHeaders(source ?? {})));
    return Object.assign({}, ...all) as Readonly<Record<string, string>>;
  };
}

/** Adds headers to the requests for one origin; behind a redirect nothing is added again. */
export function addHeaders(next: Exchange, origin: URL, source: HeaderSource): Exchange {
  const read = onceDone(() => readHeaders(source));
  return async (request) => {
    if (request.url.origin !== origin.origin) return next(request);
    return next({ ...request, headers: { ...(await read()), ...request.headers } });
  };
}

/** With their names in lower case, as those of requests are. */
async function readHeaders(source: HeaderSource): Promise<Readonly<Record<string, string>>> {
  const headers = typeof source === 'function' ? await source() : source;
  const entries = Object.entries(headers).map(([name, value]) => {
    if (/^[A-Za-z0-9-]+$/.test(name) && isHeaderValue(value)) return [name.toLowerCase(), value];
    throw new OciError('USAGE', `the header ${quoted(name)} has a value that cannot be sent`, {
      hint: 'Headers have one line each.',
    });
  });
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}
