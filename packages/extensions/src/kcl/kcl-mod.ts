import { OciError } from '@oci/spec-types';

import { type KclDependency, parseKclDependency } from './kcl-dependency.js';
import { type TomlTable, asTable, parseToml, textOf } from './toml.js';

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

/** @throws OciError `EXTENSION_INVALID` */
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
    include: texts(table, 'include'),
    exclude: texts(table, 'exclude'),
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
  return Object.entries(table ?? {}).map(([name, entry]) => parseKclDependency(name, entry));
}

function texts(table: TomlTable, key: string): readonly string[] {
  const value = table[key];
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new OciError('EXTENSION_INVALID', `${key} of kcl.mod has to be a list of texts`);
}
