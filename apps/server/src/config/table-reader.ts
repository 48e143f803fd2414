import { nearest } from '@oci/manager';
import type { SettingTable } from '@oci/manager/config';
import { OciError } from '@oci/spec-types';

/** Reads the keys of one table of a list, and tells which one is wrong. */
export class TableReader {
  readonly #table: SettingTable;
  readonly #where: string;

  /** @throws OciError `CONFIG_INVALID` for a key that is none of `known` */
  constructor(table: SettingTable, where: string, known: readonly string[]) {
    this.#table = table;
    this.#where = where;
    for (const key of Object.keys(table)) {
      if (known.includes(key)) continue;
      const [near] = nearest(key, known, 1);
      const hint = near ? `Did you mean ${near}?` : `Known keys: ${known.join(', ')}.`;
      throw new OciError('CONFIG_INVALID', `unknown key ${key} in ${where}`, { hint });
    }
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.fail(key, 'is missing');
  }

  optionalText(key: string): string | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    return typeof value === 'string' && value !== ''
      ? value
      : this.fail(key, 'has to be a text that is not empty');
  }

  /** A list that has at least one text. */
  texts(key: string): readonly string[] {
    const value = this.#table[key];
    const isList = Array.isArray(value) && value.length > 0;
    if (isList && value.every((item) => typeof item === 'string' && item !== ''))
      return value as string[];
    return this.fail(key, 'has to be a list of texts, with at least one');
  }

  /** Milliseconds since the epoch, of a TOML date or RFC 3339. */
  optionalTime(key: string): number | undefined {
    const value = this.#table[key];
    if (value === undefined) return undefined;
    const time = value instanceof Date ? value.getTime() : Date.parse(this.text(key));
    return Number.isNaN(time) ? this.fail(key, 'has to be a time like 2027-01-31T00:00:00Z') : time;
  }

  /** @throws OciError `CONFIG_INVALID` */
  fail(key: string, why: string): never {
    throw new OciError('CONFIG_INVALID', `${key} of ${this.#where} ${why}`, {
      hint: 'docs/access.md shows how tokens, issuers and rules look.',
    });
  }
}
