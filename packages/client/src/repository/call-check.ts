import type { CallOptions } from '@oci/spec-types';

import type { AttachOptions } from '../manifest/attachment.js';
import { type Kinds, anything, callback, checkOptions, count, flag } from '../option-check.js';
import type { UploadOptions } from '../upload/upload-options.js';
import type { FetchBytesOptions, PushBytesOptions } from './blob-bytes.js';
import type { FetchBlobOptions } from './blob-source.js';
import type { ListOptions } from './listing.js';
import type { PushManifestOptions } from './manifest-sink.js';
import type { FetchOptions } from './manifest-source.js';
import type { ReferrersOptions } from './referrers.js';

export const callKinds: Kinds<CallOptions> = {
  signal: ['an AbortSignal', (value) => value instanceof AbortSignal],
  onEvent: callback,
  forPush: flag,
};
const fetch: Kinds<FetchOptions> = { ...callKinds, lenient: flag };
const list: Kinds<ListOptions> = { ...callKinds, limit: count, pageSize: count };

/** The options of each call; those that are `anything` are checked where they are used. */
const kinds = {
  attach: {
    ...callKinds,
    artifactType: anything,
    layers: anything,
    annotations: anything,
  } satisfies Kinds<AttachOptions>,
  call: callKinds,
  deleteBlob: callKinds,
  deleteManifest: callKinds,
  deleteTag: callKinds,
  downloadBlob: callKinds,
  fetch,
  fetchBlob: { ...callKinds, range: anything } satisfies Kinds<FetchBlobOptions>,
  fetchBytes: { ...callKinds, limit: count } satisfies Kinds<FetchBytesOptions>,
  fetchConfig: callKinds,
  fetchManifest: fetch,
  hasBlob: callKinds,
  listReferrers: {
    ...callKinds,
    artifactType: anything,
    onUnread: callback,
  } satisfies Kinds<ReferrersOptions>,
  listRepositories: list,
  listTags: list,
  mountBlob: callKinds,
  ping: callKinds,
  pushBlob: {
    ...callKinds,
    chunkBytes: anything,
    mount: anything,
    uploadSession: anything,
    onUploadSession: callback,
  } satisfies Kinds<UploadOptions>,
  pushBytes: { ...callKinds, mediaType: anything } satisfies Kinds<PushBytesOptions>,
  pushManifest: {
    ...callKinds,
    tag: anything,
    referrersTag: flag,
  } satisfies Kinds<PushManifestOptions>,
  request: { ...callKinds, limit: count },
  resolve: callKinds,
};

export type Operation = keyof typeof kinds;

/** Returns the options of a call when it has such options. @throws OciError `USAGE` */
export function checkCall<O extends object>(operation: Operation, options: O): O {
  checkOptions(options, kinds[operation] as Kinds);
  return options;
}
