import * as z from 'zod';

/** A schema whose input is of the network: anything. */
export type Schema<T> = z.ZodType<T>;

/** The answer to every call of the HTTP API that succeeds. */
export interface Success<T> {
  readonly success: true;
  readonly data: T;
}

/** The answer to every other one. */
export interface Failure {
  readonly success: false;
  readonly error: ErrorJson;
}

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

export const errorJsonSchema: Schema<ErrorJson> = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
});

export const failureSchema: Schema<Failure> = z.object({
  success: z.literal(false),
  error: errorJsonSchema,
});

export function successSchema<T>(data: Schema<T>): Schema<Success<T>> {
  return z.object({ success: z.literal(true), data });
}

export function arraySchema<T>(item: Schema<T>): Schema<readonly T[]> {
  return z.array(item);
}
