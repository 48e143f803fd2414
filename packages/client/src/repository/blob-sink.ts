import {
  BlobProgress,
  type CallOptions,
  type Descriptor,
  parseRepositoryName,
  verifiableAlgorithm,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { type UploadContent, bodyOf } from '../upload/blob-body.js';
import { uploadBlob } from '../upload/upload.js';
import { type UploadOptions, checkUploadOptions } from '../upload/upload-options.js';
import { type OpenSession, reopenedSession, uploadSubject } from '../upload/upload-session.js';
import { type Endpoint, call } from './endpoint.js';
import { beginMount } from './mount.js';

/** Whether the repository has a blob: what a push asks first. */
export async function hasBlob(
  endpoint: Endpoint,
  descriptor: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  const response = await call(endpoint, {
    ...options,
    forPush: true,
    method: 'HEAD',
    target: registryPaths.blob(endpoint.name, descriptor.digest),
    subject: uploadSubject(endpoint, descriptor),
    expected: [200, 404],
  });
  await response.body.dump();
  return response.status === 200;
}

/**
 * Uploads a blob, unless it is there or can be mounted (`cached`); with `assumeMissing` nobody asks whether it is there. The bytes are checked while they are sent; a
 * session that fails is cancelled.
 *
 * @throws OciError `DIGEST_UNSUPPORTED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what a request fails with
 */
export async function pushBlob(
  endpoint: Endpoint,
  content: { readonly descriptor: Descriptor; readonly body: UploadContent },
  options: UploadOptions,
): Promise<void> {
  const { descriptor } = content;
  const body = bodyOf(content.body);
  checkUploadOptions(options);
  const remote: CallOptions = { signal: options.signal, onEvent: options.onEvent };
  verifiableAlgorithm(descriptor.digest);
  const isStored = (): Promise<boolean> => hasBlob(endpoint, descriptor, remote);
  const { digest, size } = descriptor;
  const isThere = !options.assumeMissing && (await isStored());
  const session = isThere ? 'stored' : await firstSession(endpoint, descriptor, options);
  if (session === 'stored' || session === 'mounted') {
    options.onEvent?.({ type: 'cached', digest, size });
    return;
  }
  const progress = new BlobProgress(descriptor, options.onEvent);
  progress.start();
  await uploadBlob(endpoint, { descriptor, body, session, isStored, progress }, options);
  progress.done();
}

async function firstSession(
  endpoint: Endpoint,
  descriptor: Descriptor,
  { signal, onEvent, uploadSession, mount }: UploadOptions,
): Promise<'mounted' | OpenSession | undefined> {
  if (uploadSession) return reopenedSession(endpoint, uploadSession);
  if (mount === undefined) return undefined;
  const from = mount === true ? undefined : parseRepositoryName(mount);
  return beginMount(endpoint, { descriptor, from }, { signal, onEvent });
}
