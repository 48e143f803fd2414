import {
  type OciError,
  failureJson,
  failureReport,
  printable,
  printableJson,
  redact,
} from '@oci/spec-types';

import { hintOf } from './hint.js';
import { type Page, type Style, pageOf, styled, wrapped } from './render/page.js';
import type { Terminal } from './terminal.js';

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
