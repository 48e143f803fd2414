import { OciError } from '@oci/spec-types';

import { refuseManyEntries } from '../document/document-text.js';
import { type TomlTable, asTable, parseToml, textOf } from '../document/toml.js';
import { maxPatternLength } from '../pack/glob.js';
import { type KclDependency, parseKclDependency } from './kcl-dependency.js';

/** What a `kcl.mod` says of its package. */
export interface KclMod {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly edition: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** In the order of their names in the file. */
  readonly dependencies: readonly KclDependency[];
}

const nameGrammar = /^[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*$/;

/** @throws OciError `EXTENSION_INVALID`, `LIMIT_EXCEEDED` */
export function parseKclMod(text: string): KclMod {
  const document = parseToml(text, 'kcl.mod');
  const table = asTable(document['package']) ?? {};
  const name = textOf(table, 'name');
  const version = textOf(table, 'version');
  if (name === undefined || !isKclName(name)) {
    throw new OciError('EXTENSION_INVALID', 'kcl.mod has no valid [package] name', {
      hint: 'A name has lower-case letters, digits, "_", and "-" between them.',
    });
  }
  if (version === undefined) {
    throw new OciError('EXTENSION_INVALID', 'kcl.mod has no [package] version', {
      hint: 'Add one: version = "0.1.0".',
    });
  }
  return {
    name,
    version,
    description: textOf(table, 'description') ?? '',
    edition: textOf(table, 'edition'),
    include: patterns(table, 'include'),
    exclude: patterns(table, 'exclude'),
    dependencies: dependenciesOf(document),
  };
}

/** The grammar that kpm has for the names of packages. */
function isKclName(text: string): boolean {
  return text.length <= 255 && nameGrammar.test(text);
}

function dependenciesOf(document: TomlTable): readonly KclDependency[] {
  const value = document['dependencies'];
  const table = asTable(value);
  if (value !== undefined && !table)
    throw new OciError('EXTENSION_INVALID', '[dependencies] of kcl.mod has to be a table');
  const entries = Object.entries(table ?? {});
  refuseManyEntries(entries.length, '[dependencies] of kcl.mod');
  return entries.map(([name, entry]) => parseKclDependency(name, entry));
}

function patterns(table: TomlTable, key: string): readonly string[] {
  const value = table[key];
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw new OciError('EXTENSION_INVALID', `${key} of kcl.mod has to be a list of texts`);
  refuseManyEntries(value.length, `${key} of kcl.mod`);
  if (value.every((pattern) => pattern.length <= maxPatternLength)) return value;
  throw new OciError(
    'LIMIT_EXCEEDED',
    `${key} of kcl.mod has a pattern of more than ${maxPatternLength} characters`,
    { hint: 'Write several shorter patterns.' },
  );
}
