import { OciError, amendError, isAbort, isOciError } from '@oci/spec-types';

/**
 * The page that a `Link` header calls next (RFC 8288), undefined at the end. A registry behind a proxy may
 * not know its own host and path, so of a link that leads elsewhere the query counts, at the address that
 * was asked (sonatype/nexus-public#1011, renovatebot/renovate#35917).
 *
 * @throws OciError `POLICY_REFUSED` when it is of another origin and has no query
 */
export function nextPage(link: string | undefined, current: URL): URL | undefined {
  for (const match of (link ?? '')
    .slice(0, 16_384)
    .matchAll(/<([^<>]*)>((?:\s*;\s*[^,;"=]+(?:=(?:"[^"]*"|[^,;"]*))?)*)/g)) {
    const [, target = '', parameters = ''] = match;
    const relation = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    const relations = (relation?.[1] ?? relation?.[2] ?? '').toLowerCase().split(/\s+/);
    if (!relations.includes('next')) continue;
    if (!URL.canParse(target, current.href)) return undefined;
    const next = new URL(target, current.href);
    const isHere = next.origin === current.origin;
    if (isHere && next.pathname === current.pathname) return next;
    if (next.search !== '') return new URL(next.search, current.href);
    if (isHere) return next;
    throw new OciError('POLICY_REFUSED', `${current.host} continues its list at ${next.host}`);
  }
  return undefined;
}

/** What a list fails with that was begun: its first pages are no list. */
export function nextPageFailed(error: unknown): unknown {
  if (!isOciError(error) || isAbort(error)) return error;
  return amendError(error, {
    message: `the next page of the list failed: ${error.message}`,
    cause: error,
  });
}
