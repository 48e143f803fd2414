import { failureJson, failureReport } from '@oci/manager/program';
import type { OciError } from '@oci/spec-types';
import { escapeHidden, printable, printableJson } from '@oci/spec-types/text';

import { hintOf } from './hint.js';

export type Format = 'text' | 'json';

/** A result in its two forms. */
export interface Result {
  /** Printed with `--format json`. */
  readonly json: unknown;
  /** Printed otherwise. */
  readonly lines: readonly string[];
}

/** Prints results on stdout. The only way to it and to stderr, so that text of others reaches no terminal as it is. */
export function printResult({ json, lines }: Result, format: Format): void {
  process.stdout.write(textOf(format === 'json' ? [printableJson(json)] : lines.map(printable)));
}

/** Prints what is no result, for a person, on stderr. */
export function printNote(lines: readonly string[]): void {
  process.stderr.write(textOf(lines.map(printable)));
}

/** Prints a failure on stderr. */
export function printFailure(error: OciError, format: Format): void {
  const lines =
    format === 'json'
      ? [printableJson({ error: failureJson(error, hintOf(error)) })]
      : failureReport(error, hintOf(error)).map(([label, text]) => `${label}: ${text}`);
  process.stderr.write(textOf(lines));
}

/** Prints text of the program's own, such as help. */
export function printHelp(text: string): void {
  process.stdout.write(text);
}

/** Where the log goes: lines of JSON, in which escaping changes no value. */
export const logStream = {
  write(line: string): void {
    process.stdout.write(escapeHidden(line, '\n'));
  },
};

/** Lets a reader that has seen enough go (`oci-server audit verify | head -1`), and the program with it or not. */
export function onClosedPipe(leave: () => void): void {
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners('error').on('error', leave);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
