import { type ExitCode, exitCodeOf, failureJson, failureReport } from '@oci/manager/program';
import { OciError, asOciError } from '@oci/spec-types';
import { printable, printableJson, redact } from '@oci/spec-types/text';
import { CommanderError } from 'commander';

import { hintOf } from './hint.js';
import { ocictl } from './program.js';
import { type Page, type Style, pageOf, styled, wrapped } from './render/page.js';
import type { Terminal } from './terminal.js';
import { usageError } from './usage-error.js';

/** Prints a failure in the form that the arguments ask for. @returns what to exit with */
export function reportFailure(
  thrown: unknown,
  args: readonly string[],
  terminal: Terminal,
): ExitCode {
  const error = asFailure(thrown, args, terminal);
  printFailure(error, terminal, { format: formatOf(args), debug: isDebug(args) });
  return exitCodeOf(error.code);
}

function asFailure(thrown: unknown, args: readonly string[], terminal: Terminal): OciError {
  if (thrown instanceof CommanderError)
    return usageError(thrown.message, { args, program: ocictl });
  return terminal.signal.aborted ? interrupted(thrown) : asOciError(thrown);
}

function interrupted(cause: unknown): OciError {
  return new OciError('ABORTED', 'interrupted', {
    cause,
    hint: 'Run the same command again: nothing half-written counts, and a download goes on where it ended.',
  });
}

/** The arguments may be what is wrong, so the format is looked for without parsing them. */
function formatOf(args: readonly string[]): 'text' | 'json' {
  const at = args.lastIndexOf('--format');
  return (at >= 0 && args[at + 1] === 'json') || args.includes('--format=json') ? 'json' : 'text';
}

function isDebug(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--debug' || /^-[a-zA-Z]*d/.test(arg));
}

const deepestCause = 8;

export interface FailureForm {
  readonly format: 'text' | 'json';
  /** Say also where in the program it came from. */
  readonly debug: boolean;
}

/** Says on stderr what failed and what to do about it; the registry's own words on lines of their own. */
export function printFailure(
  error: OciError,
  { stderr, env }: Pick<Terminal, 'stderr' | 'env'>,
  { format, debug }: FailureForm,
): void {
  const lines =
    format === 'json'
      ? [printableJson({ error: failureJson(error, hintOf(error)) })]
      : failureLines(error, pageOf(stderr, env));
  if (debug && format === 'text') lines.push(...causes(error));
  stderr.write(`${lines.join('\n')}\n`);
}

function failureLines(error: OciError, page: Page): string[] {
  return failureReport(error, hintOf(error)).map(([label, text]) =>
    wrapped(
      `${styles[label] ? styled(page, styles[label], `${label}:`) : `${label}:`} ${text}`,
      page,
    ),
  );
}

const styles: Readonly<Record<string, Style>> = { error: ['bold', 'red'], hint: 'bold' };

/** The error, and what it was caused by, each with its place; secrets were taken out as they were made. */
function causes(error: OciError): readonly string[] {
  const lines: string[] = [];
  let cause: unknown = error;
  for (let depth = 0; cause instanceof Error && depth < deepestCause; depth += 1) {
    lines.push(
      ...redact(cause.stack ?? cause.message)
        .split('\n')
        .map((line) => `debug: ${printable(line)}`),
    );
    cause = cause.cause;
  }
  return lines;
}
