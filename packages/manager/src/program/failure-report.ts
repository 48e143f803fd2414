import type { OciError } from '@oci/spec-types';
import { printable } from '@oci/spec-types/text';

const mostRegistryErrors = 3;
const longestWords = 500;

/** Returns the lines of a failure in a terminal, a pair each, printable: `error`, `where`, the `registry`'s own words, `hint`. */
export function failureReport(
  error: OciError,
  hint: string | undefined = error.hint,
): readonly (readonly [label: string, text: string])[] {
  const { message, code, side, registryErrors } = error;
  return [
    ['error', `${printable(message)} [${code}]`],
    ...(side === undefined ? [] : [['where', `the ${side} of the copy`] as const]),
    ...registryErrors
      .slice(0, mostRegistryErrors)
      .map(
        ({ code, message }) =>
          ['registry', wordsOf(message ? `${code}: ${message}` : code)] as const,
      ),
    ...(hint === undefined ? [] : [['hint', printable(hint)] as const]),
  ];
}

/** Returns the same as the JSON that programs print. */
export function failureJson(error: OciError, hint: string | undefined = error.hint): object {
  const { code, message, side, request, registryErrors } = error;
  return {
    code,
    message,
    hint: hint ?? null,
    ...(side && { side }),
    ...(request && { request }),
    ...(registryErrors.length > 0 && {
      registry_errors: registryErrors
        .slice(0, mostRegistryErrors)
        .map(({ code, message }) => (message === undefined ? { code } : { code, message })),
    }),
  };
}

function wordsOf(text: string): string {
  return printable(text).slice(0, longestWords);
}
