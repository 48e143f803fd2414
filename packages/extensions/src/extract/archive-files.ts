import { detectedType, tarChunks } from './archive-source.js';
import { parseEntryPath } from './entry-path.js';
import { type ExtractLimits, defaultExtractLimits } from './limits.js';
import { type ArchiveEntry, type EntrySink, TarParser } from './tar-parser.js';
import { unpackZip } from './zip.js';

/** Bytes of a file that is read out of an archive; longer ones count as missing. */
const maxFileBytes = 1024 * 1024;

/**
 * Reads a few small files out of an archive without unpacking it, whether they stand in its root or in
 * one directory that wraps everything.
 *
 * @param names relative to the content, with `/`
 * @throws OciError `ARCHIVE_UNSAFE`, `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`
 */
export async function readArchiveFiles(
  archivePath: string,
  names: readonly string[],
  options: {
    /** Stop once the first name is found in the root: nothing behind it is looked at. */
    readonly firstOnly?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<ReadonlyMap<string, Buffer>> {
  const limits = defaultExtractLimits;
  const collector = new Collector(names, limits);
  const type = (await detectedType(archivePath)) ?? 'tar';
  const reading = { limits, current: () => collector.current, signal: options.signal };
  if (type === 'zip') await unpackZip(archivePath, { writer: collector, ...reading });
  else {
    const parser = new TarParser(collector);
    for await (const chunk of tarChunks(archivePath, { type, ...reading })) {
      parser.write(chunk);
      if (options.firstOnly && collector.has(names[0] ?? '')) return collector.found();
    }
    parser.end();
  }
  return collector.found();
}

class Collector implements EntrySink {
  readonly #names: ReadonlySet<string>;
  readonly #limits: ExtractLimits;
  /** By whole path, with or without a wrapper. */
  readonly #files = new Map<string, Buffer>();
  readonly #tops = new Set<string>();
  #hasTopFile = false;
  #reading: { readonly path: string; readonly chunks: Buffer[] } | undefined;
  current = '';

  constructor(names: readonly string[], limits: ExtractLimits) {
    this.#names = new Set(names);
    this.#limits = limits;
  }

  begin(entry: ArchiveEntry): void {
    this.current = entry.path;
    const parts = parseEntryPath(entry.path, this.#limits);
    const [top] = parts;
    if (top === undefined) return;
    this.#tops.add(top);
    if (entry.isDirectory) return;
    if (parts.length === 1) this.#hasTopFile = true;
    const path = parts.join('/');
    const isWanted = this.#names.has(path) || this.#names.has(parts.slice(1).join('/'));
    if (isWanted && entry.size <= maxFileBytes) this.#reading = { path, chunks: [] };
  }

  data(chunk: Buffer): void {
    // The chunk is overwritten once this returns.
    this.#reading?.chunks.push(Buffer.from(chunk));
  }

  end(): void {
    if (this.#reading) this.#files.set(this.#reading.path, Buffer.concat(this.#reading.chunks));
    this.#reading = undefined;
  }

  /** Whether a file of the root was read. */
  has(name: string): boolean {
    return this.#files.has(name);
  }

  found(): ReadonlyMap<string, Buffer> {
    const [top] = this.#tops;
    const isWrapped = this.#tops.size === 1 && !this.#hasTopFile;
    const root = isWrapped ? `${top}/` : '';
    const found = new Map<string, Buffer>();
    for (const name of this.#names) {
      const content = this.#files.get(`${root}${name}`);
      if (content) found.set(name, content);
    }
    return found;
  }
}
