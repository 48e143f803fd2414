/** Bytes of the head of an answer, at most; as many as undici takes. */
export const maxHeadBytes: number = 16 * 1024;

/** The head of an answer whose body has a known length. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Bytes of the body. */
  readonly length: number;
  /** Offset of the body in the bytes that were parsed. */
  readonly end: number;
  /** The connection takes another request behind the body. */
  readonly keepsAlive: boolean;
}

/**
 * Parses the head of an HTTP/1.1 answer (RFC 9112) and accepts only one that two readers cannot understand
 * differently: one `Content-Length`, no `Transfer-Encoding`, no folded line, no bare CR or LF.
 *
 * @returns undefined for any other answer
 */
export function parseHead(bytes: Buffer): ResponseHead | 'incomplete' | undefined {
  const end = bytes.subarray(0, maxHeadBytes).indexOf('\r\n\r\n');
  if (end === -1) return bytes.byteLength < maxHeadBytes ? 'incomplete' : undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 ([2-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(first)?.[1]);
  const headers = parseHeaders(lines);
  if (!headers || Number.isNaN(status) || status === 204 || status === 304) return undefined;
  const length = headers['content-length'];
  const isPlain =
    typeof length === 'string' &&
    /^\d{1,15}$/.test(length) &&
    headers['transfer-encoding'] === undefined;
  if (!isPlain) return undefined;
  const keepsAlive = !/\bclose\b/i.test(String(headers['connection'] ?? ''));
  return { status, headers, length: Number(length), end: end + 4, keepsAlive };
}

type Headers = Record<string, string | readonly string[]>;

function parseHeaders(lines: readonly string[]): Headers | undefined {
  const headers: Headers = Object.create(null) as Headers;
  for (const line of lines) {
    const match = /^([\w!#$%&'*+.^`|~-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (!match) return undefined;
    const [, name = '', value = ''] = match;
    const key = name.toLowerCase();
    const known = headers[key];
    const text = value.trimEnd();
    headers[key] = known === undefined ? text : [known, text].flat();
  }
  return { ...headers };
}
