import {
  type CallOptions,
  type Descriptor,
  type RepositoryName,
  isOciError,
} from '@oci/spec-types';

import { repositoryScope } from '../authorization/scope.js';
import {
  type OpenSession,
  begunSession,
  cancelSession,
  uploadSubject,
  uploadsPath,
} from '../upload/upload-session.js';
import type { RegistryResponse } from '../transport/exchange.js';
import { type Endpoint, call } from './endpoint.js';

/** A blob, and where it may be already; from anywhere when no repository is named. */
export interface Mount {
  readonly descriptor: Descriptor;
  readonly from: RepositoryName | undefined;
}

/**
 * Makes a blob of another repository one of this, without its bytes (distribution-spec, "Mounting a
 * blob from another repository").
 *
 * @returns false when that can't be done here, also for lack of rights: then it has to be uploaded
 */
export async function mountBlob(
  endpoint: Endpoint,
  mount: Mount,
  options: CallOptions,
): Promise<boolean> {
  const outcome = await beginMount(endpoint, mount, options);
  if (outcome === 'mounted') return true;
  if (outcome) await cancelSession(endpoint, { ...mount, session: outcome });
  return false;
}

/** Asks for a mount. @returns the upload that the registry begins in its place; undefined when it refuses */
export async function beginMount(
  endpoint: Endpoint,
  mount: Mount,
  options: CallOptions,
): Promise<'mounted' | OpenSession | undefined> {
  let response: RegistryResponse;
  try {
    response = await askForMount(endpoint, mount, options);
  } catch (error) {
    // Whoever may not read there may still push here, and the upload will say if not.
    const refusals = ['UNAUTHORIZED', 'DENIED', 'NAME_UNKNOWN', 'UNSUPPORTED', 'PROTOCOL'] as const;
    if (isOciError(error, ...refusals)) return undefined;
    throw error;
  }
  await response.body.dump();
  return response.status === 201 ? 'mounted' : begunSession(response);
}

function askForMount(
  endpoint: Endpoint,
  { descriptor, from }: Mount,
  options: CallOptions,
): Promise<RegistryResponse> {
  const { name } = endpoint;
  const scopes = [
    repositoryScope(name, 'pull', 'push'),
    ...(from === undefined ? [] : [repositoryScope(from, 'pull')]),
  ];
  return call(
    { ...endpoint, exchange: (request) => endpoint.exchange({ ...request, scopes }) },
    {
      ...options,
      method: 'POST',
      target: uploadsPath(endpoint, descriptor, {
        mount: descriptor.digest,
        ...(from !== undefined && { from }),
      }),
      headers: { 'content-length': '0' },
      subject: { ...uploadSubject(endpoint, descriptor), missing: 'NAME_UNKNOWN' },
      expected: [201, 202],
    },
  );
}
