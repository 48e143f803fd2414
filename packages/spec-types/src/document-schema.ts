import { invalidDocument } from './strict-json.js';

/** The first place of a document that is wrong. */
export interface Finding {
  /** Keys and indices that lead there; empty for the document itself. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * The shape of a document of the specifications. Unknown fields may be there, and a check ends at the
 * first that is wrong: a hostile document of a few megabytes has room for a million.
 *
 * An optional field that is null is a missing one, as Go's encoder writes it (image-spec issue 1025).
 */
export interface DocumentSchema<T> {
  /** Returns nothing when the value can be read as a `T`. */
  check(value: unknown): Finding | undefined;
  /** The value as a `T`, without the fields that count as missing; undefined when it is none. */
  read(value: unknown): T | undefined;
  /** Removes what counts as missing from a value that passed the check; the very value when there is nothing. */
  clean(value: unknown): unknown;
  /** Only as a field of an object: it may be missing. */
  readonly isOptional: boolean;
  /** Only as a field of an object: a value that counts as missing. */
  isAbsent(value: unknown): boolean;
  /** Stands in for a missing field. */
  readonly fallback?: T;
}

/** A value that passes a test. @param expected what it should be, with its article */
export function valueThat<T>(
  test: (value: unknown) => boolean,
  expected: string,
): DocumentSchema<T> {
  return schemaOf((value) => (test(value) ? undefined : { path: [], message: `not ${expected}` }));
}

export const text: DocumentSchema<string> = valueThat((value) => typeof value === 'string', 'text');

export const flag: DocumentSchema<boolean> = valueThat(
  (value) => typeof value === 'boolean',
  'true or false',
);

/** From 0 to 2^53 - 1. */
export const count: DocumentSchema<number> = valueThat(
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  'a whole number',
);

export function textThat<T extends string>(
  test: (value: string) => boolean,
  expected: string,
): DocumentSchema<T> {
  return valueThat((value) => typeof value === 'string' && test(value), expected);
}

export function literal<const T extends string | number>(wanted: T): DocumentSchema<T> {
  return valueThat((value) => value === wanted, JSON.stringify(wanted));
}

export function optional<T>(schema: DocumentSchema<T>): DocumentSchema<T> {
  return { ...schema, isOptional: true, isAbsent: (value) => value === null };
}

/** An optional field whose empty text says nothing, as Go's encoder writes a field without `omitempty`. */
export function optionalText<T extends string>(schema: DocumentSchema<T>): DocumentSchema<T> {
  return { ...schema, isOptional: true, isAbsent: (value) => value === null || value === '' };
}

/** An optional list that is empty when it is missing. */
export function listOrNone<T>(element: DocumentSchema<T>): DocumentSchema<readonly T[]> {
  return { ...optional(listOf(element)), fallback: [] };
}

export function listOf<T>(element: DocumentSchema<T>): DocumentSchema<readonly T[]> {
  return schemaOf(
    (value) => (Array.isArray(value) ? firstOf(element, value.entries()) : notA('list')),
    (value) => {
      const entries = value as readonly unknown[];
      const cleaned = entries.map((entry) => element.clean(entry));
      return cleaned.some((entry, at) => entry !== entries[at]) ? cleaned : value;
    },
  );
}

/** An object of values of one kind; a value that is null counts as missing. */
export function mapOf<T>(value: DocumentSchema<T>): DocumentSchema<Readonly<Record<string, T>>> {
  return schemaOf(
    (map) => (isObject(map) ? firstOf(value, entriesOf(map)) : notA('JSON object')),
    (map) => {
      const all = Object.entries(map as object);
      const kept = entriesOf(map as object);
      return kept.length === all.length ? map : Object.fromEntries(kept);
    },
  );
}

/** The fields that are known of an object. */
export function objectOf<T>(fields: {
  readonly [K in keyof T]-?: DocumentSchema<NonNullable<T[K]>>;
}): DocumentSchema<T> {
  const known = Object.entries<DocumentSchema<unknown>>(fields);
  const check = (value: unknown): Finding | undefined => {
    if (!isObject(value)) return notA('JSON object');
    for (const [key, schema] of known) {
      const isThere = Object.hasOwn(value, key) && !schema.isAbsent(value[key]);
      if (!isThere && schema.isOptional) continue;
      const finding = isThere ? schema.check(value[key]) : { path: [], message: 'is missing' };
      if (finding) return { ...finding, path: [key, ...finding.path] };
    }
    return undefined;
  };
  return schemaOf(check, (value) => cleanObject(known, value as Record<string, unknown>));
}

function cleanObject(
  known: readonly (readonly [string, DocumentSchema<unknown>])[],
  value: Readonly<Record<string, unknown>>,
): unknown {
  let cleaned: Record<string, unknown> | undefined;
  for (const [key, schema] of known) {
    const isThere = Object.hasOwn(value, key);
    const isAbsent = !isThere || schema.isAbsent(value[key]);
    const field = isAbsent ? schema.fallback : schema.clean(value[key]);
    if (isThere ? field === value[key] : field === undefined) continue;
    cleaned ??= { ...value };
    if (field === undefined) delete cleaned[key];
    else cleaned[key] = field;
  }
  return cleaned ?? value;
}

/**
 * Returns the value as a `T`, without the fields that count as missing.
 *
 * @throws OciError `DOCUMENT_INVALID` that names the first place that is wrong
 */
export function validate<T>(schema: DocumentSchema<T>, value: unknown, what: string): T {
  const finding = schema.check(value);
  if (!finding) return schema.clean(value) as T;
  const place = finding.path.join('.').slice(0, 200) || 'document';
  throw invalidDocument(`the ${what} is invalid: ${place}: ${finding.message}`);
}

function schemaOf<T>(
  check: (value: unknown) => Finding | undefined,
  clean: (value: unknown) => unknown = (value) => value,
): DocumentSchema<T> {
  const read = (value: unknown): T | undefined =>
    check(value) === undefined ? (clean(value) as T) : undefined;
  return { check, read, clean, isOptional: false, isAbsent: () => false };
}

function firstOf(
  schema: DocumentSchema<unknown>,
  entries: Iterable<readonly [PropertyKey, unknown]>,
): Finding | undefined {
  for (const [key, value] of entries) {
    const finding = schema.check(value);
    if (finding) return { ...finding, path: [key, ...finding.path] };
  }
  return undefined;
}

function entriesOf(map: object): readonly (readonly [string, unknown])[] {
  return Object.entries(map).filter(([, value]) => value !== null);
}

function notA(kind: string): Finding {
  return { path: [], message: `not a ${kind}` };
}

/** Tells an object with fields from null, lists and single values. */
export function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
