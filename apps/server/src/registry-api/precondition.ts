import type { IncomingHttpHeaders } from 'node:http';

import { ApiError } from './api-error.js';

/** The strong entity tag of content by digest. */
export function etagOf(digest: string): string {
  return `"${digest}"`;
}

/**
 * Refuses a change whose caller has seen another state than the current one (RFC 9110, section 13.1).
 *
 * @param current the entity tag of what there is; undefined when there is nothing
 * @throws ApiError 412
 */
export function refuseStale(headers: IncomingHttpHeaders, current: string | undefined): void {
  refuseUnmatched(headers, current);
  const unwanted = headers['if-none-match'];
  if (unwanted !== undefined && matches(unwanted, current, 'weak'))
    throw failed(current === undefined ? 'it is not there' : `it is ${current} already`);
}

/** Tells whether a reader has what it asks for. @throws ApiError 412 for another than `If-Match` names */
export function isNotModified(headers: IncomingHttpHeaders, current: string): boolean {
  refuseUnmatched(headers, current);
  const known = headers['if-none-match'];
  return known !== undefined && matches(known, current, 'weak');
}

/** Tells whether a part may be sent: not to a reader whose other parts are of something else. */
export function isRangeWanted(headers: IncomingHttpHeaders, current: string): boolean {
  const known = headers['if-range'];
  return known === undefined || (typeof known === 'string' && known.trim() === current);
}

function refuseUnmatched(headers: IncomingHttpHeaders, current: string | undefined): void {
  const wanted = headers['if-match'];
  if (wanted !== undefined && !matches(wanted, current, 'strong'))
    throw failed(current === undefined ? 'it is not there' : `it is ${current} now`);
}

/** Compares with a list of entity tags, or `*` for anything (RFC 9110, section 8.8.3.2). */
function matches(
  header: string,
  current: string | undefined,
  comparison: 'strong' | 'weak',
): boolean {
  if (current === undefined) return false;
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag === current || (comparison === 'weak' && tag === `W/${current}`));
}

function failed(why: string): ApiError {
  return new ApiError(412, 'UNSUPPORTED', `the precondition of the request failed: ${why}`);
}
