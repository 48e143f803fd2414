import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  digestAlgorithm,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { type Endpoint, call } from '../repository/endpoint.js';
import { refuseUnsafeHop } from '../transport/address-policy.js';
import { type RegistryResponse, header } from '../transport/exchange.js';
import type { Subject } from '../transport/response-failure.js';

/**
 * An upload that has begun, as JSON: who keeps it can go on in another process. Its location may be
 * signed, so it is as secret as the upload.
 */
export interface UploadSession {
  /** A whole URL. */
  readonly location: string;
  /** Bytes that the registry has. */
  readonly offset: number;
}

/** A session as an upload works on it. */
export interface OpenSession {
  /** That of the last answer; older ones may be refused. */
  readonly location: URL;
  readonly offset: number;
  /** `OCI-Chunk-Min-Length`; 0 when the registry names none. */
  readonly minChunkBytes: number;
}

/** How long nobody waits for a registry to forget an upload, in milliseconds. */
const cancelMs = 10_000;

export function uploadSubject(endpoint: Endpoint, { digest }: { digest: Digest }): Subject {
  return { name: `${endpoint.name}@${digest}`, missing: 'BLOB_UNKNOWN' };
}

/** Where uploads begin: the registry hears which digest it has to compute (distribution-spec, end-4c). */
export function uploadsPath(
  endpoint: Endpoint,
  { digest }: Descriptor,
  start: { readonly mount?: Digest; readonly from?: RepositoryName } = {},
): string {
  const path = registryPaths.uploads(endpoint.name, start);
  const algorithm = digestAlgorithm(digest);
  if (algorithm === 'sha256') return path;
  return `${path}${path.includes('?') ? '&' : '?'}digest-algorithm=${algorithm}`;
}

/** @throws OciError what a request fails with; `PROTOCOL` without a location */
export async function beginSession(
  endpoint: Endpoint,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<OpenSession> {
  const response = await call(endpoint, {
    ...options,
    method: 'POST',
    target: uploadsPath(endpoint, descriptor),
    headers: { 'content-length': '0' },
    subject: { ...uploadSubject(endpoint, descriptor), missing: 'NAME_UNKNOWN' },
    expected: [202],
  });
  await response.body.dump();
  return begunSession(response);
}

/** The session that a 202 opened. @throws OciError `PROTOCOL`, `POLICY_REFUSED` */
export function begunSession(response: RegistryResponse): OpenSession {
  const location = locationOf(response);
  if (!location) {
    throw new OciError('PROTOCOL', `${response.url.host} opened an upload without a Location`);
  }
  return { location, offset: 0, minChunkBytes: minChunkBytesOf(response) };
}

/** The session that another process kept. @throws OciError `USAGE`, `POLICY_REFUSED` */
export function reopenedSession(endpoint: Endpoint, kept: UploadSession): OpenSession {
  const { location: at, offset } = Object(kept) as Partial<UploadSession>;
  const isPlace = Number.isSafeInteger(offset) && Number(offset) >= 0;
  if (typeof at !== 'string' || offset === undefined || !isPlace || !URL.canParse(at)) {
    throw new OciError('USAGE', 'the upload to go on with is no { location, offset }', {
      hint: 'Give the session as it was handed out, or leave it out to begin anew.',
    });
  }
  const location = new URL(at);
  refuseUnsafeHop(endpoint.origin, location);
  return { location, offset, minChunkBytes: 0 };
}

/** Asks the registry how far a session is; undefined when it knows it no more. */
export async function findSession(
  endpoint: Endpoint,
  { session, descriptor }: { session: OpenSession; descriptor: Descriptor },
  options: CallOptions,
): Promise<OpenSession | undefined> {
  const response = await call(endpoint, {
    ...options,
    forPush: true,
    method: 'GET',
    // What follows gets a connection of its own: the one before broke, and some registries cut those that are used again.
    headers: { connection: 'close' },
    target: session.location,
    subject: uploadSubject(endpoint, descriptor),
    expected: [200, 202, 204, 400, 404, 405, 410],
  });
  await response.body.dump();
  if (response.status >= 400) return undefined;
  const found = movedSession(session, response);
  const offset = offsetOf(response, session.offset);
  return offset === undefined || offset > descriptor.size ? undefined : { ...found, offset };
}

/** The session at the location of the last answer, if that names one. @throws OciError `POLICY_REFUSED` */
export function movedSession(session: OpenSession, response: RegistryResponse): OpenSession {
  return {
    location: locationOf(response) ?? session.location,
    offset: session.offset,
    minChunkBytes: minChunkBytesOf(response) || session.minChunkBytes,
  };
}

/**
 * How many bytes an answer says are there, by the position of the last one; undefined when it doesn't.
 * `0-0` is one byte, or none in registries that can't say none: then what was `known` decides.
 */
export function offsetOf(response: RegistryResponse, known: number): number | undefined {
  const match = /^(?:bytes=)?0-(\d{1,15})$/.exec(header(response, 'range')?.trim() ?? '');
  if (!match) return undefined;
  const last = Number(match[1]);
  return last === 0 ? Math.min(known, 1) : last + 1;
}

/** The registry may have ended the session itself; nothing can be done about it either way. */
export async function cancelSession(
  endpoint: Endpoint,
  { session, descriptor }: { session: OpenSession; descriptor: Descriptor },
): Promise<void> {
  await call(endpoint, {
    method: 'DELETE',
    target: session.location,
    subject: uploadSubject(endpoint, descriptor),
    expected: [200, 202, 204],
    signal: AbortSignal.timeout(cancelMs),
  })
    .then((response) => response.body.dump())
    .catch(() => {});
}

/** The query of a location may be signed, so the digest is added to its text. */
export function closingUrl({ location }: OpenSession, { digest }: Descriptor): URL {
  const url = new URL(location);
  url.search = `${location.search === '' ? '?' : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** Where the bytes go: on the registry or, without our credentials, elsewhere (CVE-2026-50151). */
function locationOf(response: RegistryResponse): URL | undefined {
  const text = header(response, 'location');
  if (text === undefined || !URL.canParse(text, response.url.href)) return undefined;
  const location = new URL(text, response.url.href);
  refuseUnsafeHop(response.url, location);
  return location;
}

function minChunkBytesOf(response: RegistryResponse): number {
  const text = header(response, 'oci-chunk-min-length') ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
