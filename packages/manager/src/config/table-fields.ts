import { OciError } from '@oci/spec-types';
import { nearest } from '@oci/spec-types/text';

import { isTable } from './table.js';
import { type Kind, type ValueOf, type ValuePlace, invalidValue, readValue } from './value-kind.js';

/** The keys that a table may have, and has to have. */
export type TableFields = Readonly<Record<string, Kind | { readonly required: Kind }>>;

/** The values of a table, under the names that the file has for them. */
export type TableValues<F extends TableFields> = {
  readonly [K in keyof F]: F[K] extends { readonly required: infer R }
    ? ValueOf<R>
    : ValueOf<F[K]> | undefined;
};

/**
 * Checks a table: that it has no other keys than `fields`, each of its kind, and what is required.
 *
 * @throws OciError `CONFIG_INVALID`; for an unknown key with the nearest known one
 */
export function readTable<const F extends TableFields>(
  value: unknown,
  place: ValuePlace,
  fields: F,
): TableValues<F> {
  if (!isTable(value)) throw invalidValue(place, 'has to be a table');
  const known = Object.keys(fields);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unknownKey(unknown, known, place);
  const values = Object.entries(fields).map(([key, field]) => {
    const at = { ...place, key: `${place.key}.${key}` };
    const isRequired = typeof field === 'object' && 'required' in field;
    const kind = isRequired ? field.required : field;
    if (Object.hasOwn(value, key)) return [key, readValue(kind, value[key], at)];
    if (isRequired) throw invalidValue(at, 'is missing');
    return [key, undefined];
  });
  return Object.fromEntries(values) as TableValues<F>;
}

function unknownKey(key: string, known: readonly string[], place: ValuePlace): OciError {
  const [near] = nearest(key, known, 1);
  return new OciError('CONFIG_INVALID', `unknown key ${place.key}.${key} (${place.from})`, {
    hint: near ? `Did you mean ${near}?` : `Known keys: ${known.join(', ')}.`,
  });
}
