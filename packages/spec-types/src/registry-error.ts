import {
  type DocumentSchema,
  listOf,
  objectOf,
  optional,
  text,
  valueThat,
} from './document-schema.js';
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

export const registryErrorBodySchema: DocumentSchema<RegistryErrorBody> = objectOf({
  errors: listOf(
    objectOf<RegistryError>({
      code: text,
      message: optional(text),
      detail: optional(valueThat(() => true, 'anything')),
    }),
  ),
});

/** What a registry says of an error; nothing when the body is of another form (a proxy's page). */
export function parseRegistryErrors(body: Uint8Array): readonly RegistryError[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return registryErrorBodySchema.read(value)?.errors.slice(0, 10) ?? [];
  } catch {
    return [];
  }
}
