import type { GlobalOptions } from './command/global-options.js';
import type { Terminal } from './terminal.js';

/** Results on stdout, as text for people or as one JSON document. */
export class Output {
  readonly #terminal: Pick<Terminal, 'stdout'>;
  readonly #options: Pick<GlobalOptions, 'format' | 'quiet'>;

  constructor(
    terminal: Pick<Terminal, 'stdout'>,
    options: Pick<GlobalOptions, 'format' | 'quiet'>,
  ) {
    this.#terminal = terminal;
    this.#options = options;
  }

  /**
   * Prints a result.
   *
   * @param result.json printed with `--format json`
   * @param result.text printed otherwise
   * @param result.brief printed with `--quiet` instead of `text`
   */
  print(result: { readonly json: unknown; readonly text: string; readonly brief?: string }): void {
    const { format, quiet } = this.#options;
    const text =
      format === 'json' ? JSON.stringify(result.json) : quiet ? (result.brief ?? '') : result.text;
    if (text !== '') this.#terminal.stdout.write(`${text}\n`);
  }
}

/** Rows below headings, in columns as wide as their widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values, a pair a line, values aligned. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
