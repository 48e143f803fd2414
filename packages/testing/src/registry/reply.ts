import type { RegistryErrorCode } from '@oci/spec-types/registry-api';

import { bytesOf } from '../bytes.js';

/** An answer before it is sent, and before a fault alters it. Header names are in lower case. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

export function reply(
  status: number,
  headers: Reply['headers'] = {},
  body: Uint8Array = new Uint8Array(),
): Reply {
  return { status, headers, body };
}

export function jsonReply(status: number, value: object, headers: Reply['headers'] = {}): Reply {
  return reply(
    status,
    { 'content-type': 'application/json', ...headers },
    bytesOf(JSON.stringify(value)),
  );
}

/** An error in the form of distribution-spec, "Error Codes". */
export function errorReply(
  status: number,
  code: RegistryErrorCode,
  options: { readonly detail?: unknown; readonly headers?: Reply['headers'] } = {},
): Reply {
  const message = code.toLowerCase().replaceAll('_', ' ');
  return jsonReply(
    status,
    { errors: [{ code, message, detail: options.detail }] },
    options.headers,
  );
}
