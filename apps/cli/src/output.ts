import { printable, printableJson } from '@oci/spec-types/text';

import type { GlobalOptions } from './command/global-options.js';
import { type Drawing, pageOf } from './render/page.js';
import type { Terminal } from './terminal.js';

/** A result in its three forms. */
export interface Result {
  /** Printed with `--format json`. */
  readonly json: unknown;
  /** Printed otherwise: a drawing, a line, or lines. */
  readonly text: Drawing | string | readonly string[];
  /** Printed with `--quiet` instead of `text`. */
  readonly brief?: string | readonly string[];
}

/** Results on stdout, as text for people or as one JSON document. */
export class Output {
  readonly #terminal: Pick<Terminal, 'stdout' | 'env'>;
  readonly #options: Pick<GlobalOptions, 'format' | 'quiet'>;
  readonly #before: () => void;

  /** @param before called ahead of each result, to make room for it on the terminal */
  constructor(
    terminal: Pick<Terminal, 'stdout' | 'env'>,
    options: Pick<GlobalOptions, 'format' | 'quiet'>,
    before: () => void = () => {},
  ) {
    this.#terminal = terminal;
    this.#options = options;
    this.#before = before;
  }

  print(result: Result): void {
    this.#before();
    const text = this.#textOf(result);
    if (text !== '') this.#terminal.stdout.write(`${text}\n`);
  }

  #textOf({ json, text, brief = [] }: Result): string {
    const { format, quiet } = this.#options;
    if (format === 'json') return printableJson(json);
    if (quiet) return linesOf(brief);
    if (typeof text !== 'function') return linesOf(text);
    return text(pageOf(this.#terminal.stdout, this.#terminal.env));
  }
}

/** A name that holds a line end does not make two of one line. */
function linesOf(text: string | readonly string[]): string {
  return (typeof text === 'string' ? [text] : text).map(printable).join('\n');
}
