import { bytesOf } from '../bytes.js';

const typeFlags = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
  pax: 'x',
  'pax-global': 'g',
  'gnu-long-name': 'L',
  'gnu-long-link': 'K',
} as const;

export type TarEntryType = keyof typeof typeFlags;

/** One header with its content. Nothing is checked: hostile entries are what it is for. */
export interface TarEntry {
  readonly path: string;
  /** `file` when it is missing. */
  readonly type?: TarEntryType | undefined;
  /** Overrules the flag byte of `type`. */
  readonly typeFlag?: string | undefined;
  readonly content?: Uint8Array | string | undefined;
  readonly mode?: number | undefined;
  readonly linkName?: string | undefined;
  /** Seconds since the epoch; 0 when it is missing. */
  readonly mtime?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** The size in the header, when it is not that of `content`. */
  readonly declaredSize?: number | undefined;
  /** Overrules the checksum of the header. */
  readonly checksum?: number | undefined;
}

export interface TarOptions {
  /** Whether the two empty blocks at the end are written; true when it is missing. */
  readonly end?: boolean | undefined;
}

const blockSize = 512;

/** A ustar archive (POSIX.1-1988) in the order of the entries: the same bytes for the same entries. */
export function tar(entries: Iterable<TarEntry>, { end = true }: TarOptions = {}): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    const content = contentOf(entry);
    blocks.push(header(entry, content.byteLength), content, padding(content.byteLength));
  }
  if (end) blocks.push(new Uint8Array(2 * blockSize));
  return new Uint8Array(Buffer.concat(blocks));
}

function contentOf({ content = '' }: TarEntry): Uint8Array {
  return typeof content === 'string' ? bytesOf(content) : content;
}

function padding(size: number): Uint8Array {
  return new Uint8Array((blockSize - (size % blockSize)) % blockSize);
}

function header(entry: TarEntry, contentSize: number): Uint8Array {
  const block = new Uint8Array(blockSize);
  const type = entry.type ?? 'file';
  const { name, prefix } = splitPath(entry.path);
  const defaultMode = type === 'directory' ? 0o755 : 0o644;
  block.set(name, 0);
  block.set(octal(entry.mode ?? defaultMode, 8), 100);
  block.set(octal(entry.uid ?? 0, 8), 108);
  block.set(octal(entry.gid ?? 0, 8), 116);
  block.set(octal(entry.declaredSize ?? contentSize, 12), 124);
  block.set(octal(entry.mtime ?? 0, 12), 136);
  block.set(bytesOf(entry.typeFlag ?? typeFlags[type]).subarray(0, 1), 156);
  block.set(bytesOf(entry.linkName ?? '').subarray(0, 100), 157);
  block.set(bytesOf('ustar\u000000'), 257);
  block.set(octal(0, 8), 329);
  block.set(octal(0, 8), 337);
  block.set(prefix, 345);
  block.set(checksumField(block, entry.checksum), 148);
  return block;
}

/** Long paths are cut at a slash into prefix (155 bytes) and name (100 bytes). */
function splitPath(path: string): { name: Uint8Array; prefix: Uint8Array } {
  const whole = bytesOf(path);
  if (whole.byteLength <= 100) return { name: whole, prefix: new Uint8Array() };
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const prefix = bytesOf(path.slice(0, slash));
    const name = bytesOf(path.slice(slash + 1));
    if (prefix.byteLength <= 155 && name.byteLength > 0 && name.byteLength <= 100)
      return { name, prefix };
  }
  throw new RangeError(
    `${path.length} characters of path fit no ustar header: put a pax entry before it`,
  );
}

/** Octal digits, or base 256 where they don't fit (GNU tar). */
function octal(value: number, width: number): Uint8Array {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < width) return bytesOf(`${digits.padStart(width - 1, '0')}\0`);
  const field = new Uint8Array(width);
  let rest = BigInt.asUintN(8 * width, BigInt(value));
  for (let index = width - 1; index >= 0; index -= 1, rest >>= 8n)
    field[index] = Number(rest & 0xffn);
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
}

function checksumField(block: Uint8Array, overruled: number | undefined): Uint8Array {
  const spaces = 8 * 0x20;
  const sum = overruled ?? block.reduce((total, byte) => total + byte, spaces);
  return bytesOf(`${sum.toString(8).padStart(6, '0')}\0 `);
}
