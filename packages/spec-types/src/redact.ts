const url = /\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s"<>]+/gi;
const userInfo = /:\/\/[^/?#\\]*@/g;
const authorization =
  /(\bauthorization["']?\s{0,8}[:=]\s{0,8}["']?(?:basic|bearer)\s{1,8})[^\s"',;]+/gi;

/** Members whose values are secrets, in any case: token answers, docker's files (GHSA-5jhf-2qmf-m8c5). */
const secretMember =
  /^(?:[\w-]*(?:token|password|passwd|secret)|authorization|proxy-authorization|auth|cookie|set-cookie)$/i;

/** Deeper parts of a registry's words are left out: they may be nested without end. */
const maxDepth = 8;

/**
 * Takes user names, passwords and query strings (signed URLs, tokens) out of the URLs in a text, and
 * the credential out of an `Authorization` header.
 */
export function redact(text: string): string {
  return text.replace(url, redactUrl).replace(authorization, '$1...');
}

/** As {@link redact}, for a text that is one URL or the path of one. */
export function redactUrl(text: string): string {
  const query = text.indexOf('?');
  const shown = query < 0 ? text : `${text.slice(0, query)}?...`;
  return shown.replace(userInfo, '://');
}

/** Redacts every text in a JSON value, and leaves out what is secret by its name. */
export function redactJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '...';
  if (Array.isArray(value)) return value.map((item) => redactJson(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      redact(name),
      typeof item === 'string' && secretMember.test(name) ? '...' : redactJson(item, depth + 1),
    ]),
  );
}
