import { OciError } from '@oci/spec-types';

import { refuseManyEntries } from '../document/document-text.js';
import { type TomlTable, asTable, parseToml, textOf } from '../document/toml.js';
import { parseYamlTable } from '../document/yaml.js';

/** The file that declares an extension, and where in it. */
export interface Declaration {
  /** Relative, with `/`. */
  readonly file: string;
  readonly format: 'toml' | 'yaml';
}

/** What an extension says of itself. */
export interface ExtensionMetadata {
  readonly file: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly type: string | undefined;
  readonly description: string | undefined;
  /** Ranges of semantic versions by what they are of: `provisioning_version`, `kcl_version`, … */
  readonly compatibility: Readonly<Record<string, string>>;
  /** As written: `taskserv/containerd@^1.7`. */
  readonly dependencies: readonly string[];
  readonly systemPackages: readonly string[];
  readonly requiredEnv: readonly string[];
  readonly optionalEnv: readonly string[];
}

/** The files that declare an extension, in the order in which they are asked. */
const declarations: readonly Declaration[] = [
  { file: 'extension.toml', format: 'toml' },
  { file: 'metadata.toml', format: 'toml' },
  { file: 'manifest.toml', format: 'toml' },
  { file: 'manifest.yaml', format: 'yaml' },
];

/** Their names. */
export const declarationFiles: readonly string[] = declarations.map(({ file }) => file);

/** The tables that may hold name and version; `''` is the document itself. */
const identityTables = ['extension', 'metadata', 'package', ''] as const;

/**
 * What the first declaring file says.
 *
 * @throws OciError `EXTENSION_INVALID` when it cannot be read, `LIMIT_EXCEEDED` when it is too large
 */
export async function readMetadata(
  textOfFile: (path: string) => string | undefined,
  declared: readonly Declaration[] = declarations,
): Promise<ExtensionMetadata | undefined> {
  for (const { file, format } of declared) {
    const text = textOfFile(file);
    if (text === undefined) continue;
    const isToml = format === 'toml';
    return metadataOf(file, isToml ? parseToml(text, file) : await parseYamlTable(text, file));
  }
  return undefined;
}

function metadataOf(file: string, document: TomlTable): ExtensionMetadata {
  const identity = (key: string): string | undefined => {
    const tables = identityTables.map((at) => (at === '' ? document : asTable(document[at])));
    return tables.map((table) => textOf(table, key)).find((value) => value !== undefined);
  };
  const dependencies = asTable(document['dependencies']);
  const configuration = asTable(document['configuration']);
  const compatibility = texts(asTable(document['compatibility']), file);
  const needed = dependencyList(dependencies?.['extensions'] ?? document['dependencies'], file);
  refuseManyEntries(Object.keys(compatibility).length, `[compatibility] of ${file}`);
  refuseManyEntries(needed.length, `[dependencies] of ${file}`);
  return {
    file,
    name: identity('name'),
    version: identity('version'),
    type: identity('type'),
    description: identity('description'),
    compatibility,
    dependencies: needed,
    systemPackages: list(dependencies?.['system_packages'], file),
    requiredEnv: list(configuration?.['required_env'] ?? document['required_env'], file),
    optionalEnv: list(configuration?.['optional_env'] ?? document['optional_env'], file),
  };
}

/** A list of `name@range`, or a table of ranges by name. */
function dependencyList(value: unknown, file: string): readonly string[] {
  const table = asTable(value);
  if (!table) return list(value, file);
  // The whole of [dependencies], which has no list of extensions.
  if ('system_packages' in table) return [];
  return Object.entries(table).map(([name, range]) => {
    if (typeof range === 'string') return range === '' ? name : `${name}@${range}`;
    throw wrong(file, `the dependency ${name} has to be a range of versions`);
  });
}

function list(value: unknown, file: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw wrong(file, 'dependencies and variables have to be lists of texts');
}

function texts(table: TomlTable | undefined, file: string): Readonly<Record<string, string>> {
  const entries = Object.entries(table ?? {});
  const isAllText = entries.every(([, value]) => typeof value === 'string');
  if (!isAllText) throw wrong(file, '[compatibility] has to be ranges of versions, as texts');
  return Object.fromEntries(entries) as Record<string, string>;
}

function wrong(file: string, why: string): OciError {
  return new OciError('EXTENSION_INVALID', `${file}: ${why}`);
}
