import { maxDocumentBytes, refuseLargeDocument } from '../document/document-text.js';
import { brokenRule } from './archive-rule.js';
import { detectedType, tarChunks } from './archive-source.js';
import { parseEntryPath } from './entry-path.js';
import { type ExtractLimits, defaultExtractLimits } from './limits.js';
import { type ArchiveEntry, type EntrySink, TarParser } from './tar-parser.js';
import { unpackZip } from './zip.js';

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
  /** By whole path, with or without a wrapper: the content, or the size of what is too large. */
  readonly #files = new Map<string, Buffer | number>();
  /** The directory that may wrap everything. */
  #top: string | undefined;
  #isWrapped = true;
  #entries = 0;
  #reading: { readonly path: string; readonly chunks: Buffer[] } | undefined;
  current = '';

  constructor(names: readonly string[], limits: ExtractLimits) {
    this.#names = new Set(names);
    this.#limits = limits;
  }

  begin(entry: ArchiveEntry): void {
    this.current = entry.path;
    this.#entries += 1;
    if (this.#entries > this.#limits.entries)
      throw brokenRule('entry-count', entry.path, `(${this.#limits.entries})`);
    const parts = parseEntryPath(entry.path, this.#limits);
    const [top] = parts;
    if (top === undefined) return;
    this.#top ??= top;
    if (top !== this.#top || (parts.length === 1 && !entry.isDirectory)) this.#isWrapped = false;
    if (entry.isDirectory) return;
    const path = parts.join('/');
    const isWrapped = top === this.#top && this.#names.has(parts.slice(1).join('/'));
    if (!isWrapped && !this.#names.has(path)) return;
    if (entry.size > maxDocumentBytes) this.#files.set(path, entry.size);
    else this.#reading = { path, chunks: [] };
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

  /** @throws OciError `LIMIT_EXCEEDED` when one of them is too large to be read */
  found(): ReadonlyMap<string, Buffer> {
    const root = this.#isWrapped && this.#top !== undefined ? `${this.#top}/` : '';
    const found = new Map<string, Buffer>();
    for (const name of this.#names) {
      const content = this.#files.get(`${root}${name}`);
      if (typeof content === 'number') refuseLargeDocument(content, name);
      else if (content) found.set(name, content);
    }
    return found;
  }
}
