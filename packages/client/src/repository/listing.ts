import { type CallOptions, OciError } from '@oci/spec-types';

import { header } from '../transport/exchange.js';
import type { Subject } from '../transport/response-failure.js';
import type { Endpoint } from './endpoint.js';
import { nextPage, nextPageFailed } from './link-header.js';
import { type WholeAnswer, fetchWhole } from './whole-answer.js';

export interface ListOptions extends CallOptions {
  /** Entries of a page, which the registry may lower. Default: the limit up to 1000, else as the registry has it. */
  readonly pageSize?: number | undefined;
  /** Entries in all, in the registry's order. Default: every one. */
  readonly limit?: number | undefined;
}

/** Entries that every registry gives at once; some refuse to be asked for more (Amazon ECR). */
const usualPage = 1000;

/** A list that comes in pages. */
export interface Listing {
  /** The path of the first page. */
  readonly path: string;
  /** The member of each page that holds the entries. */
  readonly member: 'tags' | 'repositories';
  readonly subject: Subject;
}

/**
 * The entries of all pages, one page in memory at a time; `Link` says where the next is (RFC 8288).
 */
export async function* listEntries(
  endpoint: Endpoint,
  listing: Listing,
  { limit, pageSize = limit && Math.min(limit, usualPage), ...options }: ListOptions,
): AsyncGenerator<string, void, undefined> {
  const seen = new Set<string>();
  let left = limit ?? Infinity;
  let page: URL | undefined = new URL(listing.path, endpoint.origin);
  if (pageSize !== undefined) page.searchParams.set('n', String(pageSize));
  while (page) {
    if (seen.has(page.href)) throw new OciError('PROTOCOL', `${page.host} sends a pagination loop`);
    seen.add(page.href);
    if (seen.size > endpoint.limits.pages) {
      throw new OciError(
        'LIMIT_EXCEEDED',
        `${page.host} has more than ${endpoint.limits.pages} pages`,
      );
    }
    const ask = {
      ...options,
      method: 'GET',
      target: page,
      headers: { accept: 'application/json' },
      subject: listing.subject,
      expected: [200],
    } as const;
    const isNext = seen.size > 1;
    const answer: WholeAnswer = await fetchWhole(endpoint, ask, endpoint.limits.pageBytes).catch(
      (error: unknown) => {
        throw isNext ? nextPageFailed(error) : error;
      },
    );
    const entries = entriesOf(answer.bytes, listing);
    yield* entries.slice(0, left);
    left -= entries.length;
    if (left <= 0) return;
    page = nextPage(header(answer.response, 'link'), page);
  }
}

function entriesOf(body: Uint8Array, { member, subject }: Listing): readonly string[] {
  const value = parse(body);
  const entries = value?.[member];
  // Old registries say null where there is nothing.
  if (entries === null) return [];
  if (Array.isArray(entries) && entries.every((entry) => typeof entry === 'string')) return entries;
  throw new OciError('DOCUMENT_INVALID', `the list of ${member} for ${subject.name} can't be read`);
}

function parse(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
