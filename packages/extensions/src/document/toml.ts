import { OciError } from '@oci/spec-types';
import { parse } from 'smol-toml';

import { refuseLargeDocument } from './document-text.js';

export type TomlTable = Readonly<Record<string, unknown>>;

/** @throws OciError `EXTENSION_INVALID`, `LIMIT_EXCEEDED` */
export function parseToml(text: string, file: string): TomlTable {
  refuseLargeDocument(Buffer.byteLength(text), file);
  try {
    return parse(text);
  } catch (cause) {
    const [why] = cause instanceof Error ? cause.message.split('\n') : [];
    throw new OciError('EXTENSION_INVALID', `${file} is not TOML${why ? `: ${why}` : ''}`, {
      cause,
    });
  }
}

export function asTable(value: unknown): TomlTable | undefined {
  const isTable =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date);
  return isTable ? (value as Record<string, unknown>) : undefined;
}

/** The text at a key, when there is one of at least one character. */
export function textOf(table: TomlTable | undefined, key: string): string | undefined {
  const value = table?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
