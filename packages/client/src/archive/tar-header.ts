import { OciError } from '@oci/spec-types';

/** Everything in a tar begins at a multiple of this. Bytes. */
export const tarBlock = 512;

/** An entry of a tar as its header says it; a long name or size comes in an entry before it. */
export interface TarHeader {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** One character, as in POSIX `pax`: `0` is a file. */
  readonly type: string;
}

/**
 * Reads a header of POSIX ustar, GNU or the old format; undefined for a block of zeros, which ends a tar.
 *
 * @throws OciError `ARCHIVE_INVALID`
 */
export function parseTarHeader(block: Uint8Array): TarHeader | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, tarBlock);
  if (bytes.every((byte) => byte === 0)) return undefined;
  if (octal(bytes.subarray(148, 156)) !== checksum(bytes)) {
    throw invalidArchive('a header has a wrong checksum');
  }
  const isPosix = text(bytes.subarray(257, 263)) === 'ustar' && bytes[263] === 0x30;
  const prefix = isPosix ? text(bytes.subarray(345, 500)) : '';
  const name = text(bytes.subarray(0, 100));
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size: number(bytes.subarray(124, 136)),
    type: bytes[156] === 0 ? '0' : String.fromCharCode(bytes[156] ?? 0),
  };
}

/**
 * The header of a file, always the same for the same name and size: no time, no owner. What the old
 * fields have no room for goes into a POSIX `pax` entry before it.
 */
export function tarHeader(name: string, size: number): Uint8Array {
  const records: string[] = [];
  if (Buffer.byteLength(name) > 100) records.push(paxRecord('path', name));
  if (size > largestOctal) records.push(paxRecord('size', String(size)));
  if (records.length === 0) return ustar({ name, size, type: '0' });
  const pax = Buffer.from(records.join(''));
  return Buffer.concat([
    ustar({ name: 'pax_header', size: pax.byteLength, type: 'x' }),
    pax,
    padding(pax.byteLength),
    ustar({ name: name.slice(0, 100), size: Math.min(size, largestOctal), type: '0' }),
  ]);
}

/** The zeros that fill the last block of content. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((tarBlock - (size % tarBlock)) % tarBlock);
}

/** The records of a `pax` entry, `path` and `size` of which matter here. @throws OciError `ARCHIVE_INVALID` */
export function parsePax(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  const content = Buffer.from(bytes);
  for (let at = 0; at < content.byteLength;) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.subarray(at, space).toString('latin1'));
    const equals = content.indexOf(0x3d, space);
    const end = at + length;
    const isWhole = space > at && equals > space && equals < end && end <= content.byteLength;
    if (!Number.isSafeInteger(length) || !isWhole || content[end - 1] !== 0x0a)
      throw invalidArchive('a pax record is damaged');
    const key = content.subarray(space + 1, equals).toString('utf8');
    records.set(key, content.subarray(equals + 1, end - 1).toString('utf8'));
    at = end;
  }
  return records;
}

export function invalidArchive(why: string): OciError {
  return new OciError('ARCHIVE_INVALID', `the archive can't be read: ${why}`, {
    hint: 'It is damaged or cut short, or no tar: get or make it again.',
  });
}

/** What eleven octal digits hold: 8 GiB - 1. */
const largestOctal = 0o77777777777;

function ustar({ name, size, type }: TarHeader): Uint8Array {
  const block = Buffer.alloc(tarBlock);
  const field = (value: string, offset: number): void => void block.write(value, offset, 'utf8');
  const digits = (value: number, length: number): string => value.toString(8).padStart(length, '0');
  field(name, 0);
  field(digits(0o644, 7), 100);
  field(digits(0, 7), 108);
  field(digits(0, 7), 116);
  field(digits(size, 11), 124);
  field(digits(0, 11), 136);
  field(type, 156);
  field('ustar\u000000', 257);
  field(`${digits(checksum(block), 6)}\u0000 `, 148);
  return block;
}

/** Its own length is a part of a record. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + 1;
  while (String(length).length + bytes !== length) length += 1;
  return `${length}${rest}`;
}

/** The sum of all bytes, those of the sum itself taken for spaces. */
function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (const [at, byte] of block.entries()) if (at < 148 || at >= 156) sum += byte;
  return sum;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
}

/** Octal digits or, in GNU's way, a binary number behind a byte of 0x80. */
function number(field: Uint8Array): number {
  if (((field[0] ?? 0) & 0x80) === 0) return octal(field);
  if (field[0] !== 0x80) throw invalidArchive('a size is negative');
  let value = 0;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  if (!Number.isSafeInteger(value)) throw invalidArchive('a size is out of range');
  return value;
}

function octal(field: Uint8Array): number {
  const digits = text(field).trim();
  if (!/^[0-7]{0,12}$/.test(digits)) throw invalidArchive('a number is not octal');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}
