import { dirname } from 'node:path';

import {
  type Table,
  type ValueKind,
  type ValuePlace,
  describeSource,
  invalidValue,
} from '@oci/manager/config';

import type { LoadedServerSettings, ServerValues } from './server-settings.js';

/** Settings that are lists of tables. */
export type TablesKey = {
  [K in keyof ServerValues]: ServerValues[K] extends readonly Table[] ? K : never;
}[keyof ServerValues];

/** A table of a list, and where it stands. */
export interface PlacedTable {
  readonly table: Table;
  readonly place: ValuePlace;
}

/** @param docs the page that describes them */
export function tablesOf(
  key: TablesKey,
  { values, sources, configFile }: LoadedServerSettings,
  docs: string,
): readonly PlacedTable[] {
  const source = sources.get(key) ?? { from: 'default' };
  const baseDir = configFile === undefined ? process.cwd() : dirname(configFile);
  return values[key].map((table, at) => ({
    table,
    place: { key: `${key}[${at}]`, from: describeSource(source), baseDir, docs },
  }));
}

/** The kind of a text of a certain form. */
export function matching(pattern: RegExp, expected: string): ValueKind<string> {
  return {
    expected,
    read: (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined),
  };
}

/** The kind of a text that is one of a few. */
export function oneOf<T extends string>(choices: readonly T[]): ValueKind<T> {
  return {
    expected: `one of ${choices.join(', ')}`,
    read: (value) => choices.find((known) => known === value),
  };
}

/** The kind of a list of texts of a certain form, with at least one. */
export function listOf<T extends string>(item: ValueKind<T>): ValueKind<readonly T[]> {
  return {
    expected: `a list with at least one, each of them ${item.expected}`,
    read: (value, place) => {
      if (!Array.isArray(value) || value.length === 0) return undefined;
      return value.map((text: unknown) => {
        const checked = item.read(text, place);
        if (checked !== undefined) return checked;
        throw invalidValue(place, `has ${JSON.stringify(text)}, which is not ${item.expected}`);
      });
    },
  };
}

/** The kind of a whole number within a range. */
export function between(least: number, most: number, unit: string): ValueKind<number> {
  return {
    expected: `a whole number of ${unit} from ${least} to ${most}`,
    read: (value) =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
        ? value
        : undefined,
  };
}

/** The kind of a pattern of repositories. */
export const repositoryPattern: ValueKind<string> = matching(
  /^[a-z0-9._*-]+(?:\/[a-z0-9._*-]+)*$/,
  'the beginning of names of repositories, in which * stands for anything',
);

/** The kind of a name in logs. */
export const shortName: ValueKind<string> = matching(
  /^[\w.-]{1,64}$/,
  'of letters, digits, ".", "_" and "-"',
);
