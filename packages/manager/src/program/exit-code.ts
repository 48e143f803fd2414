import type { OciErrorCode } from '@oci/spec-types';

/** The exit codes of the programs; documented in `docs/errors.md`. */
export const exitCodes = {
  ok: 0,
  other: 1,
  usage: 2,
  notFound: 3,
  unauthorized: 4,
  rateLimited: 5,
  network: 6,
  integrity: 7,
  storage: 8,
  refused: 9,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byError: Readonly<Record<OciErrorCode, ExitCode>> = {
  ABORTED: exitCodes.interrupted,
  ARCHIVE_INVALID: exitCodes.integrity,
  ARCHIVE_UNSAFE: exitCodes.refused,
  BLOB_UNKNOWN: exitCodes.notFound,
  CONFIG_INVALID: exitCodes.usage,
  DENIED: exitCodes.unauthorized,
  DEPENDENCY_CONFLICT: exitCodes.other,
  DIGEST_INVALID: exitCodes.usage,
  DIGEST_MISMATCH: exitCodes.integrity,
  DIGEST_UNSUPPORTED: exitCodes.integrity,
  DOCUMENT_INVALID: exitCodes.integrity,
  EXTENSION_INVALID: exitCodes.other,
  INTERNAL: exitCodes.other,
  LAYER_AMBIGUOUS: exitCodes.usage,
  LIMIT_EXCEEDED: exitCodes.refused,
  MANIFEST_UNKNOWN: exitCodes.notFound,
  NAME_UNKNOWN: exitCodes.notFound,
  NETWORK: exitCodes.network,
  OFFLINE: exitCodes.notFound,
  POLICY_REFUSED: exitCodes.refused,
  PROTOCOL: exitCodes.other,
  RATE_LIMITED: exitCodes.rateLimited,
  REFERENCE_INVALID: exitCodes.usage,
  REGISTRY_UNAVAILABLE: exitCodes.network,
  SIGNATURE_INVALID: exitCodes.integrity,
  SIGNATURE_MISSING: exitCodes.refused,
  SIZE_MISMATCH: exitCodes.integrity,
  STORAGE_DENIED: exitCodes.storage,
  STORAGE_FAILED: exitCodes.storage,
  STORAGE_FULL: exitCodes.storage,
  TAG_EXISTS: exitCodes.refused,
  TIMEOUT: exitCodes.network,
  TLS: exitCodes.network,
  UNAUTHORIZED: exitCodes.unauthorized,
  UNSUPPORTED: exitCodes.other,
  USAGE: exitCodes.usage,
};

/** Returns the exit code of a failure. */
export function exitCodeOf(code: OciErrorCode): ExitCode {
  return byError[code];
}
