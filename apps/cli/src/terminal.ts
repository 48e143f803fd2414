import { escapeHidden } from '@oci/spec-types/text';

/** The styles of `styled` and what ends them: weight, underline, the eight colors. */
// oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
const style = /(\u001b\[(?:[012]|22|24|3\d)m)/;

/**
 * Standard output or standard error. The only way to write to them, so that what a registry, a file or a caller
 * says reaches no terminal as it is.
 */
export class TextStream {
  /** For content as it is, byte for byte: where somebody asked for it, and for questions to a person. */
  readonly raw: NodeJS.WritableStream;

  constructor(raw: NodeJS.WritableStream) {
    this.raw = raw;
  }

  get isTerminal(): boolean {
    return 'isTTY' in this.raw && this.raw.isTTY === true;
  }

  /** As a terminal says, 0 where nothing does. */
  get columns(): number {
    return 'columns' in this.raw ? Number(this.raw.columns) || 0 : 0;
  }

  /** As {@link columns}. */
  get rows(): number {
    return 'rows' in this.raw ? Number(this.raw.rows) || 0 : 0;
  }

  /** Writes a text: line ends and tabs stay, on a terminal styles too; other hidden characters are escaped. */
  write(text: string): void {
    this.raw.write(this.#shown(text));
  }

  /** Goes back by so many rows, erases from there, and writes. */
  rewrite(rows: number, text: string): void {
    const erase = rows === 0 ? '' : `\u001b[${rows}A\r\u001b[J`;
    this.raw.write(`${erase}${this.#shown(text)}`);
  }

  /** Writes content byte for byte; on a terminal as {@link write} does. */
  writeContent(bytes: Uint8Array): void {
    if (this.isTerminal) this.write(new TextDecoder().decode(bytes));
    else this.raw.write(bytes);
  }

  #shown(text: string): string {
    const parts = this.isTerminal ? text.split(style) : [text];
    // What was matched is every other part.
    return parts.map((part, at) => (at % 2 === 1 ? part : escapeHidden(part, '\n\t'))).join('');
  }
}

/** Where a command writes and what it may be interrupted by; tests give their own. */
export interface Terminal {
  /** A person's answers, or a secret that is piped in. */
  readonly stdin: NodeJS.ReadableStream;
  /** Data. */
  readonly stdout: TextStream;
  /** Progress, warnings, errors. */
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}
