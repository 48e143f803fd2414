import { type FileHandle, open, readFile, rename, rm, writeFile } from 'node:fs/promises';

import type { Descriptor } from '@oci/spec-types';

import { ByteSpans, type Span } from './byte-spans.js';

const formatVersion = 1;

/**
 * Which bytes of a partial file were written, in a file beside it: a line that names the blob, then a
 * line for each span. A span is noted after its bytes are in the file, so that what a killed process noted
 * is there; a line that was cut counts as none.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  /** What is in the file. */
  readonly spans: ByteSpans;

  private constructor(path: string, file: FileHandle, spans: ByteSpans) {
    this.#path = path;
    this.#file = file;
    this.spans = spans;
  }

  /**
   * Opens a journal, rewritten to the fewest lines by a rename, so that whoever is killed here loses none.
   * One of another blob, or that can't be read, is begun anew.
   */
  static async open(path: string, blob: Descriptor): Promise<Journal> {
    const header = headerOf(blob);
    const text = await readFile(path, 'utf8').catch(() => '');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const known = whole.startsWith(header) ? parseSpans(whole.slice(header.length), blob.size) : [];
    const spans = new ByteSpans(known);
    const fresh = `${path}.new`;
    await writeFile(fresh, header + [...spans].map(lineOf).join(''), { mode: 0o644 });
    await rename(fresh, path);
    return new Journal(path, await open(path, 'a'), spans);
  }

  async note(span: Span): Promise<void> {
    await this.#file.appendFile(lineOf(span));
    this.spans.add(span);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#path, { force: true });
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
