import type { Failure } from '../api/json/envelope.js';

/** A refusal of ours, with its status: what the caller did, not what an upstream or the disk did. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    more: {
      readonly hint?: string | undefined;
      readonly headers?: Readonly<Record<string, string>> | undefined;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = more.hint;
    this.headers = more.headers ?? {};
  }
}

/** The body of a refusal outside of the registry API. */
export function refusalBody({ code, message, hint }: Refusal): Failure {
  return { success: false, error: { code, message, hint: hint ?? null } };
}

const credentialsWanted = {
  hint: 'Send "Authorization: Bearer TOKEN" with a token of this server.',
  headers: { 'www-authenticate': 'Bearer realm="oci-server"' },
};

export function unauthorized(message: string): Refusal {
  return new Refusal(401, 'UNAUTHORIZED', message, credentialsWanted);
}

/** 401 for a credential that is no guess: it has ended, or is good for something else. */
export class CredentialRejected extends Refusal {
  constructor(message: string) {
    super(401, 'UNAUTHORIZED', message, credentialsWanted);
  }
}

export function denied(action: string, what: string): Refusal {
  return new Refusal(403, 'DENIED', `${action} is not allowed on ${what}`, {
    hint: 'A rule of the server has to allow it: see docs/access.md.',
  });
}

export function tooMany(message: string, retryAfterS: number): Refusal {
  return new Refusal(429, 'RATE_LIMITED', message, {
    hint: `Try again in ${retryAfterS} s.`,
    headers: { 'retry-after': String(retryAfterS) },
  });
}

/** @param retryAfterS seconds */
export function unavailable(message: string, retryAfterS: number, hint?: string): Refusal {
  return new Refusal(503, 'UNAVAILABLE', message, {
    hint: hint ?? `Try again in ${retryAfterS} s.`,
    headers: { 'retry-after': String(retryAfterS) },
  });
}

/** @throws Refusal 422 */
export function noInstallDir(): never {
  throw new Refusal(422, 'UNSUPPORTED', 'the server installs no extensions', {
    hint: 'Its configuration has to name an install_dir.',
  });
}
