import * as z from 'zod';

import { invalidDocument } from './strict-json.js';

/**
 * An array whose check ends at the first invalid element: a hostile document of a few megabytes has
 * room for a million, and a finding for each would fill the memory.
 */
export function listOf<T>(element: z.ZodType<T>): z.ZodType<readonly T[]> {
  const list = z.array(z.unknown()).check((context) => {
    reportFirst(element, context.value.entries(), context);
  });
  return list as unknown as z.ZodType<readonly T[]>;
}

/** An object of values of one kind; its check, too, ends at the first that is invalid. */
export function mapOf<T>(value: z.ZodType<T>): z.ZodType<Readonly<Record<string, T>>> {
  const map = z.record(z.string(), z.unknown()).check((context) => {
    reportFirst(value, Object.entries(context.value), context);
  });
  return map as unknown as z.ZodType<Readonly<Record<string, T>>>;
}

/** A program that reads a document or two should not wait until their checks are compiled. */
const manyDocuments = 8;
let validated = 0;

/** @throws OciError `DOCUMENT_INVALID` that names the first findings with their paths */
export function validate<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value, { jitless: validated < manyDocuments });
  validated += 1;
  if (result.success) return value as T;
  const findings = result.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.').slice(0, 200) || 'document'}: ${issue.message}`);
  throw invalidDocument(`the ${what} is invalid: ${findings.join('; ')}`);
}

function reportFirst(
  schema: z.ZodType,
  entries: Iterable<[PropertyKey, unknown]>,
  context: z.core.ParsePayload,
): void {
  for (const [key, value] of entries) {
    const result = schema.safeParse(value);
    if (result.success) continue;
    for (const issue of result.error.issues) {
      context.issues.push({ ...issue, path: [key, ...issue.path], input: value } as never);
    }
    return;
  }
}
