import { OciError } from '@oci/spec-types';
import { TomlError, parse } from 'smol-toml';

import type { Table } from './table-reader.js';

/** @param what the file, for the message @throws OciError `CONFIG_INVALID` */
export function parseToml(text: string, what: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `${what} is not TOML: ${wordsOf(cause)}`, {
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
