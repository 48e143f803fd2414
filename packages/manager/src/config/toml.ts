import { OciError } from '@oci/spec-types';
import { parse } from 'smol-toml';

import type { Table } from './table-reader.js';

/** @param what the file, for the message @throws OciError `CONFIG_INVALID` */
export function parseToml(text: string, what: string): Table {
  try {
    return parse(text);
  } catch (cause) {
    const first = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new OciError('CONFIG_INVALID', `${what} is not TOML: ${first}`, {
      cause,
      hint: 'Texts are in quotes, and tables in brackets: see the TOML specification.',
    });
  }
}
