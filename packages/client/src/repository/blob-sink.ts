import { type Descriptor, OciError, registryPaths, verifiableAlgorithm } from '@oci/spec-types';
import { verified } from '@oci/spec-types/node';

import { refuseUnsafeHop } from '../transport/address-policy.js';
import { type RegistryResponse, header } from '../transport/exchange.js';
import type { Subject } from '../transport/response-failure.js';
import { type Endpoint, type RemoteOptions, call } from './endpoint.js';

/** Whether the repository has a blob. */
export async function hasBlob(
  endpoint: Endpoint,
  descriptor: Descriptor,
  options: RemoteOptions,
): Promise<boolean> {
  const response = await call(endpoint, {
    ...options,
    method: 'HEAD',
    target: registryPaths.blob(endpoint.name, descriptor.digest),
    subject: subjectOf(endpoint, descriptor),
    expected: [200, 404],
  });
  await response.body.dump();
  return response.status === 200;
}

/**
 * Uploads a blob, unless it is there: a session, then all bytes in one request (distribution-spec,
 * "Pushing a blob monolithically"). The bytes are checked while they are sent; a session that fails
 * is cancelled.
 *
 * @throws OciError `DIGEST_UNSUPPORTED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what a request fails with
 */
export async function pushBlob(
  endpoint: Endpoint,
  content: { readonly descriptor: Descriptor; readonly body: AsyncIterable<Uint8Array> },
  options: RemoteOptions,
): Promise<void> {
  const { descriptor, body } = content;
  verifiableAlgorithm(descriptor.digest);
  if (await hasBlob(endpoint, descriptor, options)) return;
  const subject = subjectOf(endpoint, descriptor);
  const session = await call(endpoint, {
    ...options,
    method: 'POST',
    target: registryPaths.uploads(endpoint.name),
    headers: { 'content-length': '0' },
    subject: { ...subject, missing: 'NAME_UNKNOWN' },
    expected: [202],
  });
  await session.body.dump();
  const location = uploadLocation(session);
  try {
    const stored = await call(endpoint, {
      ...options,
      method: 'PUT',
      target: withDigest(location, descriptor),
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(descriptor.size),
      },
      body: verified(body, descriptor),
      subject,
      expected: [201, 204],
    });
    await stored.body.dump();
  } catch (error) {
    await cancel(endpoint, location, subject);
    throw error;
  }
}

/** The registry may have ended the session itself, and says so; nothing can be done about it either way. */
async function cancel(endpoint: Endpoint, location: URL, subject: Subject): Promise<void> {
  await call(endpoint, { method: 'DELETE', target: location, subject, expected: [204, 202, 200] })
    .then((response) => response.body.dump())
    .catch(() => {});
}

/** Where the bytes go: on the registry or, without our credentials, elsewhere (CVE-2026-50151). */
function uploadLocation(response: RegistryResponse): URL {
  const text = header(response, 'location');
  if (text === undefined || !URL.canParse(text, response.url.href)) {
    throw new OciError('PROTOCOL', `${response.url.host} opened an upload without a Location`);
  }
  const location = new URL(text, response.url.href);
  refuseUnsafeHop(response.url, location);
  return location;
}

/** The query of a location may be signed, so the digest is added to its text. */
function withDigest(location: URL, { digest }: Descriptor): URL {
  const url = new URL(location);
  url.search = `${location.search === '' ? '?' : `${location.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

function subjectOf(endpoint: Endpoint, { digest }: Descriptor): Subject {
  return { name: `${endpoint.name}@${digest}`, missing: 'BLOB_UNKNOWN' };
}
