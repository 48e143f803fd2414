import { type Table, isTable, parseToml as parse } from '@oci/manager/config';

import { refuseLargeDocument } from './document-text.js';

export type TomlTable = Table;

/** @throws OciError `EXTENSION_INVALID`, `LIMIT_EXCEEDED` */
export function parseToml(text: string, file: string): TomlTable {
  refuseLargeDocument(Buffer.byteLength(text), file);
  return parse(text, file, 'EXTENSION_INVALID');
}

export function asTable(value: unknown): TomlTable | undefined {
  return isTable(value) ? value : undefined;
}

/** The text at a key, when there is one of at least one character. */
export function textOf(table: TomlTable | undefined, key: string): string | undefined {
  const value = table?.[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
