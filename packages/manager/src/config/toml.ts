import { OciError } from '@oci/spec-types';
import { TomlError, parse } from 'smol-toml';

import type { Table } from './table.js';

/** @param what the file, for the message @throws OciError of the given code */
export function parseToml(
  text: string,
  what: string,
  code: 'CONFIG_INVALID' | 'EXTENSION_INVALID' = 'CONFIG_INVALID',
): Table {
  try {
    return parse(text);
  } catch (cause) {
    throw new OciError(code, `${what} is not TOML: ${wordsOf(cause)}`, {
      cause,
      hint: 'Texts are in quotes, and tables in brackets: see the TOML specification.',
    });
  }
}

/** Without the picture of the lines around it, which a message of one line can't hold. */
function wordsOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const words = (cause.message.split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '');
  return cause instanceof TomlError
    ? `line ${cause.line}, column ${cause.column}: ${words}`
    : words;
}
