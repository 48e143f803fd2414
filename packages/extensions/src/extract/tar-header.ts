import { damaged } from './archive-rule.js';

/** What of a tar header an extraction needs. */
export interface TarHeader {
  readonly path: string;
  readonly linkPath: string;
  readonly mode: number;
  /** Bytes of the body. */
  readonly size: number;
  /** One character; the old form of a file is `0`. */
  readonly type: string;
}

export const blockSize = 512;

/** Offset and length of the fields (POSIX pax, "ustar Interchange Format"). */
const fields = {
  name: [0, 100],
  mode: [100, 8],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 6],
  prefix: [345, 155],
} as const;
const space = 0x20;
const ustarMagic = Buffer.from('ustar\0');

/**
 * Decodes the header block at an offset; undefined for a block of zeros. Owners and times are not looked
 * at: for ten thousand small files, decoding them is much of the work.
 *
 * @throws OciError `ARCHIVE_INVALID`
 */
export function decodeTarHeader(block: Buffer, at: number): TarHeader | undefined {
  const sum = checksum(block, at);
  if (sum === fields.checksum[1] * space && block[at] === 0 && isEmpty(block, at)) return undefined;
  if (number(block, at, fields.checksum) !== sum)
    throw damaged('a header has a wrong checksum, or it is no tar');
  const type = block[at + fields.type[0]] ?? 0;
  return {
    path: pathOf(block, at),
    // Only links have one.
    linkPath: type === 0x31 || type === 0x32 ? text(block, at, fields.linkName) : '',
    mode: number(block, at, fields.mode),
    size: number(block, at, fields.size),
    type: type === 0 ? '0' : String.fromCharCode(type),
  };
}

type Field = readonly [offset: number, length: number];

/** The sum of all bytes, those of the checksum field counted as spaces. */
function checksum(block: Buffer, at: number): number {
  const [offset, length] = fields.checksum;
  let sum = length * space;
  for (let index = at; index < at + offset; index += 1) sum += block[index] ?? 0;
  for (let index = at + offset + length; index < at + blockSize; index += 1)
    sum += block[index] ?? 0;
  return sum;
}

function isEmpty(block: Buffer, at: number): boolean {
  const [offset, length] = fields.checksum;
  return block.subarray(at + offset, at + offset + length).every((byte) => byte === 0);
}

function pathOf(block: Buffer, at: number): string {
  const name = text(block, at, fields.name);
  const [offset, length] = fields.magic;
  // GNU's own old format has another magic, and other things where the prefix is.
  if (block[at + fields.prefix[0]] === 0) return name;
  if (block.compare(ustarMagic, 0, length, at + offset, at + offset + length) !== 0) return name;
  return `${text(block, at, fields.prefix)}/${name}`;
}

function text(block: Buffer, at: number, [offset, length]: Field): string {
  const start = at + offset;
  let end = start;
  while (end < start + length && block[end] !== 0) end += 1;
  return block.toString('utf8', start, end);
}

/** Octal digits between spaces, ended by a space or NUL; or base 256, marked by the first bit (GNU). */
function number(block: Buffer, at: number, [offset, length]: Field): number {
  const start = at + offset;
  if (((block[start] ?? 0) & 0x80) !== 0) return bigNumber(block.subarray(start, start + length));
  let value = 0;
  let index = start;
  while (index < start + length && block[index] === space) index += 1;
  for (; index < start + length; index += 1) {
    const byte = block[index] ?? 0;
    if (byte === 0 || byte === space) break;
    if (byte < 0x30 || byte > 0x37) throw damaged('a header has a number that is none');
    value = value * 8 + byte - 0x30;
  }
  return value;
}

function bigNumber(field: Buffer): number {
  let value = (field[0] ?? 0) & 0x7f;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  // Negative ones begin with 0xff and are larger than any size can be.
  if (!Number.isSafeInteger(value)) throw damaged('a header has a number that is too large');
  return value;
}
