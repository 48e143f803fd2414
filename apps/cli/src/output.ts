import type { GlobalOptions } from './command/global-options.js';
import { type Drawing, pageOf } from './render/page.js';
import type { Terminal } from './terminal.js';

/** A result in its three forms. */
export interface Result {
  /** Printed with `--format json`. */
  readonly json: unknown;
  /** Printed otherwise. */
  readonly text: Drawing | string;
  /** Printed with `--quiet` instead of `text`. */
  readonly brief?: string;
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

  #textOf({ json, text, brief = '' }: Result): string {
    const { format, quiet } = this.#options;
    if (format === 'json') return JSON.stringify(json);
    if (quiet) return brief;
    if (typeof text === 'string') return text;
    return text(pageOf(this.#terminal.stdout, this.#terminal.env));
  }
}
