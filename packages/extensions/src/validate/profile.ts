import { type ExtensionType, parseExtensionType } from '@oci/manager';
import { OciError } from '@oci/spec-types';

import { type TomlTable, asTable, parseToml, textOf } from '../document/toml.js';
import type { Declaration } from './metadata.js';

/** A form that extensions have, as data: which files tell it, and which it wants. */
export interface ValidationProfile {
  readonly name: string;
  /** Extensions that it is for; all when it is missing. */
  readonly types?: readonly ExtensionType[];
  /** Files that an extension of this profile has, one of them at least. */
  readonly recognisedBy: readonly string[];
  /** The file that says name and version. */
  readonly declaration?: Declaration;
  /** Paths without which it is invalid. `{name}` stands for the name, `*` for a part of a name. */
  readonly required: readonly string[];
  /** Paths whose lack is a warning. */
  readonly recommended: readonly string[];
}

/** The profiles that the platform's documents show; the first that fits is taken. */
export const defaultProfiles: readonly ValidationProfile[] = [
  {
    name: 'extension-toml',
    recognisedBy: ['extension.toml'],
    declaration: { file: 'extension.toml', format: 'toml' },
    required: [],
    recommended: [],
  },
  {
    name: 'metadata-toml',
    recognisedBy: ['metadata.toml'],
    declaration: { file: 'metadata.toml', format: 'toml' },
    required: [],
    recommended: [],
  },
  {
    name: 'nickel-manifest',
    recognisedBy: ['manifest.toml'],
    declaration: { file: 'manifest.toml', format: 'toml' },
    required: [],
    recommended: ['schemas/*.ncl'],
  },
  {
    name: 'provider-manifest',
    types: ['provider'],
    recognisedBy: ['manifest.yaml'],
    declaration: { file: 'manifest.yaml', format: 'yaml' },
    required: [],
    recommended: ['nulib/*'],
  },
  {
    name: 'manifest-yaml',
    recognisedBy: ['manifest.yaml'],
    declaration: { file: 'manifest.yaml', format: 'yaml' },
    required: [],
    recommended: [],
  },
  {
    name: 'taskserv-guide',
    types: ['taskserv'],
    recognisedBy: ['kcl/kcl.mod'],
    required: ['kcl/kcl.mod'],
    recommended: ['kcl/{name}.k', 'kcl/version.k', '*/install-{name}.sh'],
  },
  { name: 'kcl', recognisedBy: ['kcl.mod', 'kcl/kcl.mod'], required: [], recommended: [] },
];

/**
 * Reads profiles out of a TOML file with `[[profile]]` tables, for a caller to put before
 * {@link defaultProfiles}.
 *
 * @throws OciError `CONFIG_INVALID`
 */
export function parseProfiles(text: string, file: string): readonly ValidationProfile[] {
  try {
    const tables = parseToml(text, file)['profile'];
    if (!Array.isArray(tables) || tables.length === 0)
      throw new OciError('CONFIG_INVALID', 'it has no [[profile]]');
    return tables.map((table: unknown) => profileOf(asTable(table) ?? {}));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it can not be read';
    throw new OciError('CONFIG_INVALID', `the profiles of ${file} are wrong: ${why}`, {
      cause,
      hint: 'A profile has name and recognised_by, and may have types, declaration, required, recommended.',
    });
  }
}

const keys = new Set(['name', 'types', 'recognised_by', 'declaration', 'required', 'recommended']);

function profileOf(table: TomlTable): ValidationProfile {
  const unknown = Object.keys(table).find((key) => !keys.has(key));
  if (unknown !== undefined) throw new OciError('CONFIG_INVALID', `unknown key ${unknown}`);
  const name = textOf(table, 'name');
  const recognisedBy = texts(table, 'recognised_by');
  if (name === undefined || recognisedBy.length === 0)
    throw new OciError('CONFIG_INVALID', 'a profile needs name and recognised_by');
  const types = texts(table, 'types').map(parseExtensionType);
  const declaration = asTable(table['declaration']);
  return {
    name,
    recognisedBy,
    ...(types.length > 0 && { types }),
    ...(declaration && { declaration: declarationOf(declaration) }),
    required: texts(table, 'required'),
    recommended: texts(table, 'recommended'),
  };
}

function declarationOf(table: TomlTable): Declaration {
  const file = textOf(table, 'file');
  const format = textOf(table, 'format');
  if (file !== undefined && (format === 'toml' || format === 'yaml')) return { file, format };
  throw new OciError('CONFIG_INVALID', 'a declaration has a file, and the format toml or yaml');
}

function texts(table: TomlTable, key: string): readonly string[] {
  const value = table[key] ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new OciError('CONFIG_INVALID', `${key} has to be a list of texts`);
}
