import * as z from 'zod';

import type { RegistryError } from './error.js';

/** The codes of distribution-spec, "Error Codes", and those that older registries still send. */
export const registryErrorCodes = [
  'BLOB_UNKNOWN',
  'BLOB_UPLOAD_INVALID',
  'BLOB_UPLOAD_UNKNOWN',
  'DENIED',
  'DIGEST_INVALID',
  'MANIFEST_BLOB_UNKNOWN',
  'MANIFEST_INVALID',
  'MANIFEST_UNKNOWN',
  'NAME_INVALID',
  'NAME_UNKNOWN',
  'PAGINATION_NUMBER_INVALID',
  'SIZE_INVALID',
  'TAG_INVALID',
  'TOOMANYREQUESTS',
  'UNAUTHORIZED',
  'UNSUPPORTED',
] as const;

export type RegistryErrorCode = (typeof registryErrorCodes)[number];

export interface RegistryErrorBody {
  readonly errors: readonly RegistryError[];
}

export const registryErrorBodySchema: z.ZodType<RegistryErrorBody> = z.looseObject({
  errors: z.array(
    z.looseObject({
      code: z.string(),
      message: z.string().exactOptional(),
      detail: z.unknown().exactOptional(),
    }),
  ),
});

/** What a registry says of an error; nothing when the body is of another form (a proxy's page). */
export function parseRegistryErrors(body: Uint8Array): readonly RegistryError[] {
  try {
    const result = registryErrorBodySchema.safeParse(JSON.parse(new TextDecoder().decode(body)));
    return result.success ? result.data.errors.slice(0, 10) : [];
  } catch {
    return [];
  }
}
