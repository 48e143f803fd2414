import { OciError } from '@oci/spec-types';

import { isTable } from './table.js';
import { type ValueKind, type ValuePlace, invalidValue } from './value-kind.js';

/** How a table of tables is read, e.g. `[orchestrator.oci.registries."registry.example"]`. */
export interface NamedTables<T> {
  /** Returns the name in the form that is looked up. @throws when it is none */
  readonly parseName: (name: string) => string;
  /** The end of the message "… has to be named …" about what `parseName` refused. */
  readonly nameHint: string;
  /** @throws OciError `CONFIG_INVALID` */
  readonly read: (value: unknown, place: ValuePlace) => T;
}

/** The kind of a table of tables, each read under its parsed name. */
export function namedTables<T>(tables: NamedTables<T>): ValueKind<ReadonlyMap<string, T>> {
  return {
    expected: 'a table of tables',
    isFileOnly: true,
    read: (value, place) => (isTable(value) ? readAll(value, place, tables) : undefined),
  };
}

function readAll<T>(
  value: Readonly<Record<string, unknown>>,
  place: ValuePlace,
  tables: NamedTables<T>,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const [written, table] of Object.entries(value)) {
    const at = { ...place, key: `${place.key}."${written}"` };
    const name = nameIn(written, at, tables);
    if (found.has(name)) {
      throw new OciError('CONFIG_INVALID', `${at.key} (${at.from}) is another table of ${name}`, {
        hint: 'Only one of them can count: put them together.',
      });
    }
    found.set(name, tables.read(table, at));
  }
  return found;
}

function nameIn<T>(written: string, place: ValuePlace, tables: NamedTables<T>): string {
  try {
    return tables.parseName(written);
  } catch (cause) {
    throw invalidValue(place, `has to be named ${tables.nameHint}`, cause);
  }
}
