import * as z from 'zod';

import { type ErrorJson, errorJsonSchema } from './artifact-json.js';

/** A schema whose input is of the network: anything. */
export type Schema<T> = z.ZodType<T>;

/** What every call of the HTTP API that succeeds is answered with. */
export interface Success<T> {
  readonly success: true;
  readonly data: T;
}

/** What every other one is answered with. */
export interface Failure {
  readonly success: false;
  readonly error: ErrorJson;
}

export function successSchema<T>(data: Schema<T>): Schema<Success<T>> {
  return z.object({ success: z.literal(true), data });
}

export const failureSchema: Schema<Failure> = z.object({
  success: z.literal(false),
  error: errorJsonSchema,
});

export function arraySchema<T>(item: Schema<T>): Schema<readonly T[]> {
  return z.array(item);
}

/** The JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it) of what a schema takes or gives. */
export function jsonSchema(
  schema: Schema<unknown>,
  side: 'input' | 'output',
): Readonly<Record<string, unknown>> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: side });
  return rest;
}
