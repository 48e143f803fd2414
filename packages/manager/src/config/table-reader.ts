import { resolve } from 'node:path';

import { OciError } from '@oci/spec-types';
import { homeDirectory } from '@oci/files';

import { nearest } from '../nearest.js';

export type Table = Readonly<Record<string, unknown>>;

export function isTable(value: unknown): value is Table {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

/** Takes the values of one table, each of its kind; what nobody took is a mistake. */
export class TableReader {
  readonly #table: Table;
  readonly #where: string;
  readonly #baseDir: string;
  readonly #known: string[] = [];

  /** @param where what messages call the table; `baseDir` is where relative paths start */
  constructor(table: unknown, { where, baseDir }: { where: string; baseDir: string }) {
    this.#where = where;
    this.#baseDir = baseDir;
    if (!isTable(table)) throw this.invalid('has to be a table');
    this.#table = table;
  }

  text(key: string): string | undefined {
    return this.#take(key, 'a text that is not empty', (value) =>
      typeof value === 'string' && value !== '' ? value : undefined,
    );
  }

  /** Absolute; `~/` is the home directory. */
  path(key: string): string | undefined {
    const path = this.text(key);
    if (path === undefined) return undefined;
    return this.#absolute(path);
  }

  /** As {@link path}, each. */
  paths(key: string): readonly string[] | undefined {
    return this.list(key)?.map((path) => this.#absolute(path));
  }

  flag(key: string): boolean | undefined {
    return this.#take(key, 'true or false', (value) =>
      typeof value === 'boolean' ? value : undefined,
    );
  }

  list(key: string): readonly string[] | undefined {
    return this.#take(key, 'a list of texts', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    );
  }

  choice<const T extends string>(key: string, choices: readonly T[]): T | undefined {
    return this.#take(key, `one of ${choices.join(', ')}`, (value) =>
      choices.find((choice) => choice === value),
    );
  }

  /** A table of texts. */
  texts(key: string): Readonly<Record<string, string>> | undefined {
    return this.#take(key, 'a table of texts', (value) =>
      isTable(value) && Object.values(value).every((item) => typeof item === 'string')
        ? (value as Readonly<Record<string, string>>)
        : undefined,
    );
  }

  /** @throws OciError `CONFIG_INVALID` for a key that was not asked for, with the nearest that was */
  end(): void {
    const unknown = Object.keys(this.#table).find((key) => !this.#known.includes(key));
    if (unknown === undefined) return;
    const [near] = nearest(unknown, this.#known, 1);
    throw new OciError('CONFIG_INVALID', `unknown key ${unknown} in ${this.#where}`, {
      hint: near ? `Did you mean ${near}?` : `Known keys: ${this.#known.join(', ')}.`,
    });
  }

  invalid(why: string): OciError {
    return new OciError('CONFIG_INVALID', `${this.#where} ${why}`, {
      hint: 'See docs/configuration.md for what each table holds.',
    });
  }

  #absolute(path: string): string {
    return resolve(this.#baseDir, path.startsWith('~/') ? homeDirectory() + path.slice(1) : path);
  }

  #take<T>(key: string, expected: string, read: (value: unknown) => T | undefined): T | undefined {
    this.#known.push(key);
    if (!Object.hasOwn(this.#table, key)) return undefined;
    const value = read(this.#table[key]);
    if (value === undefined) throw this.invalid(`has a ${key} that is not ${expected}`);
    return value;
  }
}
