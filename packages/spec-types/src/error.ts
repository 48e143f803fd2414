import type { ErrorReason } from './error-reason.js';
import { redact, redactJson, redactUrl } from './redact.js';

/**
 * Every way in which an operation can fail. The set is closed: a `switch` over it is checked by
 * the compiler, and `docs/errors.md` has a line for each.
 */
export const errorCodes = [
  'ABORTED',
  'ARCHIVE_INVALID',
  'ARCHIVE_UNSAFE',
  'BLOB_UNKNOWN',
  'CONFIG_INVALID',
  'DENIED',
  'DEPENDENCY_CONFLICT',
  'DIGEST_INVALID',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'EXTENSION_INVALID',
  'INTERNAL',
  'LAYER_AMBIGUOUS',
  'LIMIT_EXCEEDED',
  'MANIFEST_UNKNOWN',
  'NAME_UNKNOWN',
  'NETWORK',
  'OFFLINE',
  'POLICY_REFUSED',
  'PROTOCOL',
  'RATE_LIMITED',
  'REFERENCE_INVALID',
  'REGISTRY_UNAVAILABLE',
  'SIGNATURE_INVALID',
  'SIGNATURE_MISSING',
  'SIZE_MISMATCH',
  'STORAGE_DENIED',
  'STORAGE_FAILED',
  'STORAGE_FULL',
  'TAG_EXISTS',
  'TIMEOUT',
  'TLS',
  'UNAUTHORIZED',
  'UNSUPPORTED',
  'USAGE',
] as const;

export type OciErrorCode = (typeof errorCodes)[number];

/** One entry of a registry's error body (distribution-spec, "Error Codes"): the registry's words. */
export interface RegistryError {
  readonly code: string;
  readonly message?: string;
  readonly detail?: unknown;
}

/** Which end of a transfer failed. */
export type Side = 'source' | 'destination';

/** The request that failed; query values and credentials are never part of it. */
export interface FailedRequest {
  readonly method: string;
  readonly url: string;
  readonly status?: number;
  /** How many times it was tried, the first included. */
  readonly attempts: number;
}

export interface OciErrorOptions {
  /** What the reader can do about it: one sentence, or a command to run. */
  readonly hint?: string | undefined;
  /** The same as `hint` for programs, which answer it in their own words. */
  readonly reason?: ErrorReason | undefined;
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean | undefined;
  /** How long the registry asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly side?: Side | undefined;
  readonly request?: FailedRequest | undefined;
  /** The file or directory that a `STORAGE_…` failure is about; absolute. */
  readonly path?: string | undefined;
  readonly registryErrors?: readonly RegistryError[] | undefined;
}

/** The one error class of these packages: `code` says what went wrong, `hint` what to do next. */
export class OciError extends Error {
  override readonly name: string = 'OciError';
  readonly code: OciErrorCode;
  readonly hint: string | undefined;
  readonly reason: ErrorReason | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly side: Side | undefined;
  readonly request: FailedRequest | undefined;
  readonly path: string | undefined;
  readonly registryErrors: readonly RegistryError[];

  constructor(code: OciErrorCode, message: string, options: OciErrorOptions = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint === undefined ? undefined : redact(options.hint);
    this.reason = options.reason && (redactJson(options.reason) as ErrorReason);
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.side = options.side;
    this.request = options.request && { ...options.request, url: redactUrl(options.request.url) };
    this.path = options.path === undefined ? undefined : redact(options.path);
    this.registryErrors = (options.registryErrors ?? []).map(redactRegistryError);
  }
}

/** Recognises an `OciError` of any copy of this package, and narrows by code when codes are given. */
export function isOciError(value: unknown, ...codes: readonly OciErrorCode[]): value is OciError {
  if (!(value instanceof Error) || value.name !== 'OciError' || !('code' in value)) return false;
  const known: readonly unknown[] = codes.length === 0 ? errorCodes : codes;
  return known.includes(value.code);
}

/** Returns a failure with other facts; what is not named stays, and so does the place where it was thrown. */
export function amendError(
  error: OciError,
  {
    code = error.code,
    message = error.message,
    ...facts
  }: OciErrorOptions & { readonly code?: OciErrorCode; readonly message?: string },
): OciError {
  const { hint, reason, cause, retryable, retryAfterMs, side, request, path, registryErrors } =
    error;
  const kept = {
    hint,
    reason,
    cause,
    retryable,
    retryAfterMs,
    side,
    request,
    path,
    registryErrors,
  };
  const amended = new OciError(code, message, { ...kept, ...facts });
  if (error.stack !== undefined && facts.cause === undefined) amended.stack = error.stack;
  return amended;
}

/**
 * Any thrown value as an `OciError`: one stays as it is, an abort becomes `ABORTED`, by `AbortSignal.timeout`
 * `TIMEOUT`, and what nobody foresaw `INTERNAL`.
 */
export function asOciError(thrown: unknown): OciError {
  if (isOciError(thrown)) return thrown;
  if (isNamed(thrown, 'TimeoutError')) return timeLimitPassed(thrown);
  if (isNamed(thrown, 'AbortError')) return aborted(thrown.cause, thrown);
  return new OciError('INTERNAL', messageOf(thrown), {
    cause: thrown,
    hint: 'This is a defect: please report it.',
  });
}

/**
 * Returns the failure of a call whose signal fired: the `OciError` that it was aborted with, `TIMEOUT` for one of
 * `AbortSignal.timeout`, `ABORTED` for every other reason.
 */
export function abortError({ reason }: AbortSignal, cause: unknown = reason): OciError {
  return aborted(reason, cause);
}

/** @throws OciError {@link abortError} once the signal fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Whether a failure is the end of a call by its caller's signal: `ABORTED`, or the `TIMEOUT` of {@link abortError}. */
export function isAbort(error: unknown): boolean {
  return (
    isOciError(error, 'ABORTED') ||
    (isOciError(error, 'TIMEOUT') && isNamed(error.cause, 'TimeoutError'))
  );
}

/** The reason of a signal is what its owner says; Node's own `AbortError` has it as its cause. */
function aborted(reason: unknown, cause: unknown): OciError {
  if (isOciError(reason)) return reason;
  if (isNamed(reason, 'TimeoutError')) return timeLimitPassed(reason);
  return new OciError('ABORTED', 'the operation was cancelled', {
    cause,
    hint: 'It was stopped, by Ctrl-C for example. Run it again to go on: nothing is half-written.',
  });
}

function timeLimitPassed(cause: Error): OciError {
  return new OciError('TIMEOUT', 'the operation did not end within the time limit of its caller', {
    cause,
    hint: 'Allow more time in AbortSignal.timeout; the events of the call tell what it waited for.',
  });
}

function isNamed(value: unknown, name: string): value is Error {
  return value instanceof Error && value.name === name;
}

/** An object that is no error may have no text, or throw when it is asked for it. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return Object(thrown) === thrown ? `a thrown ${typeof thrown}` : String(thrown);
}

function redactRegistryError(error: RegistryError): RegistryError {
  return {
    code: redact(error.code),
    ...(error.message !== undefined && { message: redact(error.message) }),
    ...(error.detail !== undefined && { detail: redactJson(error.detail) }),
  };
}
