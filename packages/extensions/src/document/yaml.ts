import { OciError } from '@oci/spec-types';

import { refuseLargeDocument } from './document-text.js';
import { type TomlTable, asTable } from './toml.js';

/** Tokens of a document: the parser compares each key of a mapping with every other one. */
const maxTokens = 8192;
/** Nodes that an alias may stand for, all together. */
const maxAliasCount = 20;

/**
 * Parses a YAML 1.2 mapping in well under a second, whatever the text is.
 *
 * @throws OciError `EXTENSION_INVALID`, `LIMIT_EXCEEDED`
 */
export async function parseYamlTable(text: string, file: string): Promise<TomlTable> {
  refuseLargeDocument(Buffer.byteLength(text), file);
  // Large, and few extensions are declared in YAML.
  const { Lexer, parse } = await import('yaml');
  let tokens = 0;
  for (const _ of new Lexer().lex(text)) if ((tokens += 1) > maxTokens) throw tooMany(file);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount, logLevel: 'error', version: '1.2' });
  } catch (cause) {
    const [why] = cause instanceof Error ? cause.message.split('\n') : [];
    throw new OciError('EXTENSION_INVALID', `${file} is not YAML${why ? `: ${why}` : ''}`, {
      cause,
    });
  }
  const table = asTable(value);
  if (table) return table;
  throw new OciError('EXTENSION_INVALID', `${file}: is not a YAML mapping`);
}

function tooMany(file: string): OciError {
  return new OciError('LIMIT_EXCEEDED', `${file} has more than ${maxTokens} YAML tokens`, {
    hint: 'Move data out of it into a file of its own.',
  });
}
