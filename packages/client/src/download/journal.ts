import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';

import type { Descriptor } from '@oci/spec-types';
import { isMissing } from '@oci/files';

import { ByteSpans, type Span } from './byte-spans.js';

const formatVersion = 1;

const freshSuffix = '.new';

/** Bytes from which on what was written is noted, or this many spans; who writes twice as many waits for it. */
const noteBytes = 512 * 1024;
const noteSpans = 2;

/** What is less is noted after this, in milliseconds: so much of a slow download is lost by a kill. */
const noteMs = 100;

/** A blob below this, in bytes, mostly comes before its time is over, and needs no journal then. */
const smallBytes = 2 * 1024 * 1024;

/** Bytes of a journal, of more than a TiB of spans. */
const maxBytes = 64 * 1024 * 1024;

/**
 * Which bytes of a partial file were written, in a file beside it: a line that names the blob, then a
 * line for each span. A span is noted after its bytes are in the file, so that what a killed process noted
 * is there; a line that was cut counts as none. Several are noted at once, 2 MiB at most, and the file is
 * made for the first: what comes in a moment leaves none.
 */
export class Journal {
  readonly #path: string;
  readonly #header: string;
  readonly #noteBytes: number;
  /** What was written, noted or not. */
  readonly spans: ByteSpans;
  /** The lines of what an earlier process noted. */
  readonly #known: string;
  #isThere: boolean;
  #file: FileHandle | undefined;
  #lines = '';
  #unnoted = 0;
  #timer: NodeJS.Timeout | undefined;
  #noting: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(path: string, blob: Descriptor, text: string | undefined) {
    this.#path = path;
    this.#header = headerOf(blob);
    this.#noteBytes = blob.size < smallBytes ? Infinity : noteBytes;
    this.#isThere = text !== undefined;
    const whole = text?.slice(0, text.lastIndexOf('\n') + 1) ?? '';
    const isOurs = whole.startsWith(this.#header);
    this.spans = new ByteSpans(
      isOurs ? parseSpans(whole.slice(this.#header.length), blob.size) : [],
    );
    this.#known = [...this.spans].map(lineOf).join('');
  }

  /** Reads a journal; one of another blob, or that can't be read, is begun anew. */
  static async open(path: string, blob: Descriptor): Promise<Journal> {
    const file = await open(path, readFlags).catch((error: unknown) =>
      isMissing(error) ? undefined : 'unreadable',
    );
    const text = typeof file === 'object' ? await textOf(file) : file && '';
    return new Journal(path, blob, text);
  }

  /** Notes written bytes, soon. @throws what the file system said to this or to an earlier span */
  async note(span: Span): Promise<void> {
    if (this.#failure) throw this.#failure.error;
    this.spans.add(span);
    this.#lines += lineOf(span);
    const size = span.end - span.start;
    this.#unnoted += size;
    const enough = Math.max(this.#noteBytes, noteSpans * size);
    if (this.#unnoted < enough) {
      this.#timer ??= setTimeout(() => this.#begin(), noteMs);
      return;
    }
    if (this.#noting && this.#unnoted >= 2 * enough) await this.#noting;
    this.#begin();
  }

  /** Makes the file, for spans that workers note. */
  async begin(): Promise<void> {
    this.#file ??= await this.#create();
  }

  /** Takes lines of others, each in one write behind what is there; undefined before {@link begin}. */
  get descriptor(): number | undefined {
    return this.#file?.fd;
  }

  /** Notes what is left. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#noting;
    this.#begin();
    await this.#noting;
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Removes the file: nothing is to be gone on with. */
  async remove(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#noting;
    this.#lines = '';
    await this.#file?.close();
    this.#file = undefined;
    if (this.#isThere)
      for (const suffix of ['', freshSuffix]) await rm(this.#path + suffix, { force: true });
    this.#isThere = false;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#noting || this.#lines === '' || this.#failure) return;
    const lines = this.#lines;
    this.#lines = '';
    this.#unnoted = 0;
    this.#noting = this.#append(lines)
      .catch((error: unknown) => {
        this.#failure = { error };
      })
      .finally(() => {
        this.#noting = undefined;
      });
  }

  async #append(lines: string): Promise<void> {
    this.#file ??= await this.#create();
    await this.#file.appendFile(lines);
  }

  /** What is gone on with is rewritten to the fewest lines by a rename, so that whoever is killed here loses none. */
  async #create(): Promise<FileHandle> {
    const isFirst = this.#known === '';
    const path = isFirst ? this.#path : this.#path + freshSuffix;
    this.#isThere = true;
    await rm(path, { force: true });
    const file = await open(path, 'ax', 0o644);
    try {
      await file.appendFile(this.#header + this.#known);
      if (!isFirst) await rename(path, this.#path);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Empty for what is no file, or one that no download could have noted so much in. */
async function textOf(file: FileHandle): Promise<string> {
  try {
    const info = await file.stat();
    return info.isFile() && info.size <= maxBytes ? await file.readFile('utf8') : '';
  } catch {
    return '';
  } finally {
    await file.close();
  }
}

function lineOf({ start, end }: Span): string {
  return `${start} ${end}\n`;
}

function headerOf({ digest, size }: Descriptor): string {
  return `${JSON.stringify({ version: formatVersion, digest, size })}\n`;
}

/** Spans up to the first line that makes no sense. */
export function parseSpans(text: string, size: number): readonly Span[] {
  const spans: Span[] = [];
  for (const line of text.split('\n')) {
    const match = /^(\d{1,15}) (\d{1,15})$/.exec(line);
    const span = { start: Number(match?.[1]), end: Number(match?.[2]) };
    if (!match || span.start >= span.end || span.end > size) break;
    spans.push(span);
  }
  return spans;
}
