import { resolve } from 'node:path';

import { homeDirectory } from '@oci/files';
import { OciError } from '@oci/spec-types';

import { byteSize } from './byte-size.js';
import { type Table, isTable } from './table.js';

/** Where a value stands. */
export interface ValuePlace {
  /** Its dotted path below `[orchestrator.oci]`. */
  readonly key: string;
  /** The file, variable or flag that holds it, for messages. */
  readonly from: string;
  /** The directory that relative paths start from. */
  readonly baseDir: string;
  /** The page that describes it. Default: `docs/configuration.md`. */
  readonly docs?: string;
}

/** How a value is checked, of a setting or in a table. */
export interface ValueKind<T> {
  /** The end of the message "… has to be …". */
  readonly expected: string;
  /** Returns the checked value; undefined for a value of another kind. @throws OciError `CONFIG_INVALID` */
  readonly read: (value: unknown, place: ValuePlace) => T | undefined;
  /** Returns the value that the text of a setting stands for. Default: the text itself. */
  readonly fromText?: (text: string) => unknown;
  /** A table with tables of any names: only a file can hold it. */
  readonly isFileOnly?: boolean;
}

/** The values of the kinds that have a name. */
export interface NamedKinds {
  text: string;
  /** Absolute; `~/` is the home directory. */
  path: string;
  flag: boolean;
  list: readonly string[];
  paths: readonly string[];
  count: number;
  milliseconds: number;
  bytes: number;
  /** Milliseconds since the epoch, of a TOML date or RFC 3339. */
  time: number;
  /** A table whose values are texts. */
  texts: Readonly<Record<string, string>>;
  /** A list of tables, whose keys are left to what reads them. */
  tables: readonly Table[];
}

/** A kind by its name, one of some texts, or a kind of the caller's own. */
export type Kind = keyof NamedKinds | { readonly choice: readonly string[] } | ValueKind<unknown>;

/** The values of a kind. */
export type ValueOf<K> = K extends keyof NamedKinds
  ? NamedKinds[K]
  : K extends { readonly choice: readonly (infer T)[] }
    ? T
    : K extends ValueKind<infer T>
      ? T
      : never;

const text: ValueKind<string> = {
  expected: 'a text that is not empty',
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
};

const path: ValueKind<string> = {
  expected: 'a path',
  read: (value, { baseDir }) =>
    typeof value === 'string' && value !== '' ? absolute(value, baseDir) : undefined,
};

const flag: ValueKind<boolean> = {
  expected: 'true or false',
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  fromText: (word) =>
    /^(?:true|1)$/.test(word) ? true : /^(?:false|0)$/.test(word) ? false : word,
};

const list: ValueKind<readonly string[]> = {
  expected: 'a list of texts',
  read: (value) => (Array.isArray(value) && value.every(isFilled) ? value : undefined),
  fromText: (items) => items.split(',').map((item) => item.trim()),
};

const paths: ValueKind<readonly string[]> = {
  ...list,
  expected: 'a list of paths',
  read: (value, place) => list.read(value, place)?.map((item) => absolute(item, place.baseDir)),
};

const count: ValueKind<number> = {
  expected: 'a whole number, 0 or more',
  read: (value) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined,
  fromText: (digits) => (/^\d+$/.test(digits) ? Number(digits) : undefined),
};

const milliseconds: ValueKind<number> = {
  ...count,
  expected: 'a whole number of milliseconds, 0 or more',
};

const bytes: ValueKind<number> = {
  expected: 'a size as 500MB or 10GiB, or a number of bytes',
  read: byteSize,
};

const time: ValueKind<number> = {
  expected: 'a time like 2027-01-31T00:00:00Z',
  read: (value) => {
    const found =
      value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : NaN;
    return Number.isNaN(found) ? undefined : found;
  },
};

const texts: ValueKind<Readonly<Record<string, string>>> = {
  expected: 'a table of texts',
  read: (value) =>
    isTable(value) && Object.values(value).every((item) => typeof item === 'string')
      ? (value as Readonly<Record<string, string>>)
      : undefined,
};

const tables: ValueKind<readonly Table[]> = {
  expected: 'a list of tables; in the environment, JSON',
  read: (value) => (Array.isArray(value) && value.every(isTable) ? value : undefined),
  fromText: parseJson,
};

function choice(choices: readonly string[]): ValueKind<string> {
  return {
    expected: `one of ${choices.join(', ')}`,
    read: (value) => choices.find((known) => known === value),
  };
}

const named: { readonly [N in keyof NamedKinds]: ValueKind<NamedKinds[N]> } = {
  text,
  path,
  flag,
  list,
  paths,
  count,
  milliseconds,
  bytes,
  time,
  texts,
  tables,
};

export function kindOf(kind: Kind): ValueKind<unknown> {
  if (typeof kind === 'string') return named[kind];
  return 'choice' in kind ? choice(kind.choice) : kind;
}

/** Returns the checked value. @throws OciError `CONFIG_INVALID` */
export function readValue(kind: Kind, value: unknown, place: ValuePlace): unknown {
  const { read, expected } = kindOf(kind);
  const checked = read(value, place);
  if (checked !== undefined) return checked;
  throw invalidValue(place, `has to be ${expected}`);
}

/** Returns the failure of a value that cannot be used. */
export function invalidValue(place: ValuePlace, why: string, cause?: unknown): OciError {
  const { key, from, docs = 'docs/configuration.md' } = place;
  return new OciError('CONFIG_INVALID', `${key} (${from}) ${why}`, {
    cause,
    hint: `See ${docs} for the settings and what each table holds.`,
  });
}

function isFilled(item: unknown): boolean {
  return typeof item === 'string' && item !== '';
}

function absolute(given: string, baseDir: string): string {
  const isInHome = given === '~' || given.startsWith('~/');
  return resolve(baseDir, isInHome ? homeDirectory() + given.slice(1) : given);
}

/** Returns undefined for a text that is no JSON. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
