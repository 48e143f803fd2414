import { OciError } from '@oci/spec-types';

/**
 * The page that a `Link` header calls next (RFC 8288), undefined at the end.
 *
 * @throws OciError `POLICY_REFUSED` when it is of another origin
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
    if (next.origin === current.origin) return next;
    throw new OciError('POLICY_REFUSED', `${current.host} continues its list at ${next.host}`);
  }
  return undefined;
}
