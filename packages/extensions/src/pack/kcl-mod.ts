import { OciError } from '@oci/spec-types';
import { parse } from 'smol-toml';

/** What a `kcl.mod` says of its package. */
export interface KclMod {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly edition: string | undefined;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Names of dependencies by path, with the paths. */
  readonly pathDependencies: Readonly<Record<string, string>>;
}

const nameGrammar = /^[a-z][a-z0-9_]*(?:-[a-z0-9_]+)*$/;

/** @throws OciError `EXTENSION_INVALID` */
export function parseKclMod(text: string): KclMod {
  const document = parseToml(text, 'kcl.mod');
  const table = asTable(document['package']) ?? {};
  const { name, version, description, edition } = table;
  if (typeof name !== 'string' || !nameGrammar.test(name)) {
    throw new OciError('EXTENSION_INVALID', 'kcl.mod has no valid [package] name', {
      hint: 'A name has lower-case letters, digits, "_", and "-" between them.',
    });
  }
  if (typeof version !== 'string' || version === '') {
    throw new OciError('EXTENSION_INVALID', 'kcl.mod has no [package] version');
  }
  return {
    name,
    version,
    description: typeof description === 'string' ? description : '',
    edition: typeof edition === 'string' ? edition : undefined,
    include: texts(table['include'], 'include'),
    exclude: texts(table['exclude'], 'exclude'),
    pathDependencies: pathDependencies(asTable(document['dependencies']) ?? {}),
  };
}

/** @throws OciError `EXTENSION_INVALID` */
export function parseToml(text: string, file: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (cause) {
    throw new OciError('EXTENSION_INVALID', `${file} is not TOML`, { cause });
  }
}

export function asTable(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isTable ? (value as Record<string, unknown>) : undefined;
}

function texts(value: unknown, key: string): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new OciError('EXTENSION_INVALID', `${key} of kcl.mod has to be a list of texts`);
}

function pathDependencies(dependencies: Readonly<Record<string, unknown>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(dependencies)) {
    const path = asTable(value)?.['path'];
    if (typeof path === 'string') found[name] = path;
  }
  return found;
}
