/** An answer that brings so many bytes and nothing else, in the first bytes that came of it. */
export interface PlainHead {
  /** Bytes of the body. */
  readonly size: number;
  /** Where the body begins. */
  readonly end: number;
  /** Where the digits of its length are. */
  readonly digits: { readonly start: number; readonly end: number };
}

/** A smaller body is not worth it, in bytes. */
export const leastTapped: number = 256 * 1024;

/**
 * Whether bytes begin with the whole head of a 200 or 206 of HTTP/1.1 with one `Content-Length` of 256 KiB and more
 * and no `Transfer-Encoding` (RFC 9112, section 6). Anything that is not certainly so is undefined.
 */
export function plainHead(bytes: Buffer): PlainHead | undefined {
  const length = bytes.indexOf('\r\n\r\n');
  if (length === -1) return undefined;
  const text = bytes.subarray(0, length + 2).toString('latin1');
  if (!/^HTTP\/1\.1 20[06] /.test(text) || /\r\n(?:transfer-encoding|x-oci-)/i.test(text))
    return undefined;
  const [found, ...more] = text.matchAll(/\r\ncontent-length[^\r\n]*/gi);
  if (!found || more.length > 0) return undefined;
  const [, name, digits] = /^(\r\ncontent-length: ?)(\d{6,15})$/i.exec(found[0]) ?? [];
  if (name === undefined || digits === undefined || Number(digits) < leastTapped) return undefined;
  const start = found.index + name.length;
  return {
    size: Number(digits),
    end: length + 4,
    digits: { start, end: start + digits.length },
  };
}
