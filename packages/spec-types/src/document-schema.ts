import { invalidDocument } from './strict-json.js';

/** The first place of a document that is wrong. */
export interface Finding {
  /** Keys and indices that lead there; empty for the document itself. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What a document of the specifications has to be. Unknown fields may be there, and a check ends at the
 * first that is wrong: a hostile document of a few megabytes has room for a million.
 */
export interface DocumentSchema<T> {
  /** Nothing when the value is a `T`. */
  check(value: unknown): Finding | undefined;
  is(value: unknown): value is T;
  /** Only as a field of an object: it may be missing. */
  readonly isOptional: boolean;
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

export function nullable<T>(schema: DocumentSchema<T>): DocumentSchema<T | null> {
  return schemaOf((value) => (value === null ? undefined : schema.check(value)));
}

export function optional<T>(schema: DocumentSchema<T>): DocumentSchema<T> {
  return { ...schema, isOptional: true };
}

export function listOf<T>(element: DocumentSchema<T>): DocumentSchema<readonly T[]> {
  return schemaOf((value) =>
    Array.isArray(value) ? firstOf(element, value.entries()) : notA('list'),
  );
}

/** An object of values of one kind. */
export function mapOf<T>(value: DocumentSchema<T>): DocumentSchema<Readonly<Record<string, T>>> {
  return schemaOf((map) =>
    isObject(map) ? firstOf(value, Object.entries(map)) : notA('JSON object'),
  );
}

/** The fields that are known of an object. */
export function objectOf<T>(fields: {
  readonly [K in keyof T]-?: DocumentSchema<NonNullable<T[K]> | Extract<T[K], null>>;
}): DocumentSchema<T> {
  const known = Object.entries<DocumentSchema<unknown>>(fields);
  return schemaOf((value) => {
    if (!isObject(value)) return notA('JSON object');
    for (const [key, schema] of known) {
      const isThere = Object.hasOwn(value, key);
      if (!isThere && schema.isOptional) continue;
      const finding = isThere ? schema.check(value[key]) : { path: [], message: 'is missing' };
      if (finding) return { ...finding, path: [key, ...finding.path] };
    }
    return undefined;
  });
}

/** @throws OciError `DOCUMENT_INVALID` that names the first place that is wrong */
export function validate<T>(schema: DocumentSchema<T>, value: unknown, what: string): T {
  const finding = schema.check(value);
  if (!finding) return value as T;
  const place = finding.path.join('.').slice(0, 200) || 'document';
  throw invalidDocument(`the ${what} is invalid: ${place}: ${finding.message}`);
}

function schemaOf<T>(check: (value: unknown) => Finding | undefined): DocumentSchema<T> {
  const is = (value: unknown): value is T => check(value) === undefined;
  return { check, is, isOptional: false };
}

function firstOf(
  schema: DocumentSchema<unknown>,
  entries: Iterable<[PropertyKey, unknown]>,
): Finding | undefined {
  for (const [key, value] of entries) {
    const finding = schema.check(value);
    if (finding) return { ...finding, path: [key, ...finding.path] };
  }
  return undefined;
}

function notA(kind: string): Finding {
  return { path: [], message: `not a ${kind}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
