import type { RegistryErrorCode } from '@oci/spec-types/registry-api';

/** The codes of distribution-spec, "Error Codes"; the others are read from older registries, and never sent. */
export type SentErrorCode = Exclude<RegistryErrorCode, 'PAGINATION_NUMBER_INVALID' | 'TAG_INVALID'>;

/** Returns the body of a failed request of the registry API (distribution-spec, "Error Codes"). */
export function registryErrorBody(code: SentErrorCode, message: string, detail?: object): string {
  return JSON.stringify({ errors: [{ code, message, detail }] });
}

const codes: Readonly<Record<number, SentErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  429: 'TOOMANYREQUESTS',
};

/** Returns the code of the specification for a refusal that has only a status. */
export function registryErrorCode(status: number): SentErrorCode {
  return codes[status] ?? 'UNSUPPORTED';
}
