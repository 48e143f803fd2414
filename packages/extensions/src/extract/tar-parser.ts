import { brokenRule, damaged } from './archive-rule.js';
import { type PaxRecords, parsePaxRecords } from './pax-records.js';
import { type TarHeader, blockSize, decodeTarHeader } from './tar-header.js';

/** A file or directory of an archive, before its content. */
export interface ArchiveEntry {
  readonly path: string;
  readonly isDirectory: boolean;
  /** Bytes. */
  readonly size: number;
  readonly isExecutable: boolean;
  /** Where a symbolic link leads, as it is written. */
  readonly linkPath?: string;
}

/** Takes entries one after the other, each with its content in pieces; all of it without waiting. */
export interface EntrySink {
  /** Whether it can make symbolic links; otherwise they are refused. */
  readonly takesLinks?: boolean;
  begin(entry: ArchiveEntry): void;
  data(chunk: Buffer): void;
  end(): void;
}

/** Bytes of a long name or a pax header. */
const maxMetaSize = 64 * 1024;

/** What is read at the moment: a header, the body of an entry, or of a header about the next one. */
type Reading =
  | { readonly what: 'header' }
  | { readonly what: 'entry' }
  | { readonly what: 'meta'; readonly type: string; readonly chunks: Buffer[] };

/**
 * Reads a tar out of chunks of any size, without waiting: POSIX ustar and pax, GNU long names. It is
 * strict where tools differ in what they read.
 */
export class TarParser {
  readonly #sink: EntrySink;
  #reading: Reading = { what: 'header' };
  /** Bytes of the body, and of the padding behind it, that are still to come. */
  #body = 0;
  #padding = 0;
  /** The beginning of a header whose end is in the next chunk. */
  #partial: Buffer = Buffer.alloc(0);
  #pax: PaxRecords | undefined;
  #longPath: string | undefined;
  #longLink: string | undefined;
  #emptyBlocks = 0;

  constructor(sink: EntrySink) {
    this.#sink = sink;
  }

  /** @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, and what the sink throws */
  write(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.byteLength && this.#emptyBlocks < 2) {
      at +=
        this.#reading.what === 'header' ? this.#readHeader(chunk, at) : this.#readBody(chunk, at);
    }
  }

  /** @throws OciError `ARCHIVE_INVALID` when the archive is cut */
  end(): void {
    if (this.#emptyBlocks >= 2) return;
    const isWhole = this.#reading.what === 'header' && this.#partial.byteLength === 0;
    const isAboutNext = [this.#pax, this.#longPath, this.#longLink].some(
      (meta) => meta !== undefined,
    );
    if (!isWhole || isAboutNext) throw damaged('it is cut short');
  }

  #readHeader(chunk: Buffer, at: number): number {
    const missing = blockSize - this.#partial.byteLength;
    const piece = chunk.subarray(at, at + missing);
    if (piece.byteLength < missing) {
      this.#partial = Buffer.concat([this.#partial, piece]);
      return piece.byteLength;
    }
    if (missing === blockSize) this.#header(chunk, at);
    else this.#header(Buffer.concat([this.#partial, piece]), 0);
    this.#partial = Buffer.alloc(0);
    return missing;
  }

  #readBody(chunk: Buffer, at: number): number {
    const piece = chunk.subarray(at, at + this.#body);
    if (piece.byteLength > 0) {
      this.#body -= piece.byteLength;
      if (this.#reading.what === 'meta') this.#reading.chunks.push(Buffer.from(piece));
      else this.#sink.data(piece);
    }
    const skipped = Math.min(this.#padding, chunk.byteLength - at - piece.byteLength);
    this.#padding -= skipped;
    if (this.#body === 0 && this.#padding === 0) this.#endBody();
    return piece.byteLength + skipped;
  }

  #header(block: Buffer, at: number): void {
    const header = decodeTarHeader(block, at);
    if (!header) {
      this.#emptyBlocks += 1;
      return;
    }
    if (this.#emptyBlocks > 0) throw damaged('it goes on behind an empty block');
    if (metaTypes.has(header.type)) this.#beginMeta(header);
    else this.#beginEntry(header);
  }

  #beginMeta({ type, path, size }: TarHeader): void {
    if (size > maxMetaSize) throw brokenRule('path-length', path, `(${maxMetaSize} bytes)`);
    this.#beginBody({ what: 'meta', type, chunks: [] }, size);
  }

  #beginEntry(header: TarHeader): void {
    const path = this.#pax?.path ?? this.#longPath ?? header.path;
    const declaredSize = this.#pax?.size ?? header.size;
    const linkPath = this.#pax?.linkpath ?? this.#longLink ?? header.linkPath;
    this.#pax = undefined;
    this.#longPath = undefined;
    this.#longLink = undefined;
    if (header.type === '2' && this.#sink.takesLinks) {
      this.#beginLink(path, linkPath);
      return;
    }
    // A directory has no body, whatever size it says; and before POSIX it was a file with a slash.
    const size = header.type === '5' ? 0 : declaredSize;
    const isDirectory = header.type === '5' || (path.endsWith('/') && size === 0);
    if (header.type !== '5' && !fileTypes.has(header.type)) throw refusedType(header, path);
    const isExecutable = (header.mode & 0o111) !== 0;
    this.#sink.begin({ path, isDirectory, size, isExecutable });
    this.#beginBody({ what: 'entry' }, size);
  }

  /** A link has no body, whatever size it says. */
  #beginLink(path: string, linkPath: string): void {
    this.#sink.begin({ path, isDirectory: false, size: 0, isExecutable: false, linkPath });
    this.#beginBody({ what: 'entry' }, 0);
  }

  #beginBody(reading: Reading, size: number): void {
    this.#reading = reading;
    this.#body = size;
    this.#padding = (blockSize - (size % blockSize)) % blockSize;
    if (size === 0) this.#endBody();
  }

  #endBody(): void {
    const ended = this.#reading;
    this.#reading = { what: 'header' };
    if (ended.what === 'entry') this.#sink.end();
    if (ended.what === 'meta') this.#meta(ended.type, Buffer.concat(ended.chunks));
  }

  #meta(type: string, body: Buffer): void {
    if (type === 'x') this.#pax = parsePaxRecords(body, { isGlobal: false });
    else if (type === 'g') parsePaxRecords(body, { isGlobal: true });
    else if (type === 'L') this.#longPath = untilNul(body);
    else if (type === 'K') this.#longLink = untilNul(body);
  }
}

/** Headers about the entry that follows: pax, and GNU's long names and link names. */
const metaTypes = new Set<string>(['x', 'g', 'L', 'K']);
/** Types whose content is a plain file: POSIX, and contiguous. */
const fileTypes = new Set<string>(['0', '7']);

function untilNul(body: Buffer): string {
  return body.toString('utf8').replace(/\0[^]*$/, '');
}

function refusedType(header: TarHeader, path: string): Error {
  switch (header.type) {
    case '1':
    case '2':
      return brokenRule('link', path, `(to ${JSON.stringify(header.linkPath.slice(0, 200))})`);
    case '3':
    case '4':
    case '6':
      return brokenRule('device', path);
    case 'S':
      return brokenRule('sparse-file', path);
    default:
      return brokenRule('unknown-type', path);
  }
}
