/** A range that a body can be cut to, or that none of its bytes are in it. */
export type ParsedRange = { readonly first: number; readonly last: number } | 'unsatisfiable';

/**
 * One range of a `Range` header for a body of `size` bytes (RFC 9110, section 14.2). Undefined when the
 * whole body is to be sent: no header, another unit, several ranges, or nonsense. A range that ends before it
 * begins holds no byte, as the conformance suite of distribution-spec has it.
 */
export function parseRange(header: string | undefined, size: number): ParsedRange | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (!match || (from === '' && to === '')) return undefined;
  if (from === '') {
    const count = Math.min(Number(to), size);
    return count === 0 ? 'unsatisfiable' : { first: size - count, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return first >= size || last < first ? 'unsatisfiable' : { first, last };
}
