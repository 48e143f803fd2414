import { asTable, parseToml } from '../pack/kcl-mod.js';

/** What an extension says of itself, and in which file. */
export interface DeclaredIdentity {
  readonly file: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly description: string | undefined;
}

/**
 * The files that declare an extension, in the order in which they are asked. The platform's documents
 * show four layouts that differ in this file (`extension.toml`, `metadata.toml`, `manifest.toml`,
 * `manifest.yaml`).
 */
export const declaringFiles = [
  'extension.toml',
  'metadata.toml',
  'manifest.toml',
  'manifest.yaml',
] as const;

/** The tables of a TOML file that may hold name and version; `''` is the document itself. */
const tables = ['extension', 'metadata', 'package', ''] as const;

/** @throws OciError `EXTENSION_INVALID` when a declaring file can't be read */
export function declaredIdentity(
  textOf: (path: string) => string | undefined,
): DeclaredIdentity | undefined {
  for (const file of declaringFiles) {
    const text = textOf(file);
    if (text === undefined) continue;
    const read = file.endsWith('.yaml') ? yamlField(text) : tomlField(text, file);
    return { file, name: read('name'), version: read('version'), description: read('description') };
  }
  return undefined;
}

function tomlField(text: string, file: string): (key: string) => string | undefined {
  const document = parseToml(text, file);
  return (key) => {
    for (const table of tables) {
      const value = (table === '' ? document : asTable(document[table]))?.[key];
      if (typeof value === 'string') return value;
    }
    return undefined;
  };
}

/** Top-level `key: value` lines, which is all that these files need to be asked for. */
function yamlField(text: string): (key: string) => string | undefined {
  return (key) => {
    const match = new RegExp(
      `^${key}:[ \\t]*(?:"([^"\\n]*)"|'([^'\\n]*)'|([^\\s#"'][^\\n#]*?))[ \\t]*(?:#.*)?$`,
      'm',
    ).exec(text);
    return match?.[1] ?? match?.[2] ?? match?.[3];
  };
}
