import { type CallOptions, checkedListener } from '@oci/spec-types';

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
const fetchKinds: Kinds<FetchOptions> = { ...callKinds, lenient: flag };
const listKinds: Kinds<ListOptions> = { ...callKinds, limit: count, pageSize: count };

/** The options of each call. */
interface OptionsOf {
  readonly attach: AttachOptions;
  readonly deleteBlob: CallOptions;
  readonly deleteManifest: CallOptions;
  readonly deleteTag: CallOptions;
  readonly downloadBlob: CallOptions;
  readonly fetch: FetchOptions;
  readonly fetchBlob: FetchBlobOptions;
  readonly fetchBytes: FetchBytesOptions;
  readonly fetchConfig: CallOptions;
  readonly fetchManifest: FetchOptions;
  readonly hasBlob: CallOptions;
  readonly listReferrers: ReferrersOptions;
  readonly listRepositories: ListOptions;
  readonly listTags: ListOptions;
  readonly mountBlob: CallOptions;
  readonly ping: CallOptions;
  readonly pushBlob: UploadOptions;
  readonly pushBytes: PushBytesOptions;
  readonly pushManifest: PushManifestOptions;
  readonly request: FetchBytesOptions;
  readonly resolve: CallOptions;
}

export type Operation = keyof OptionsOf;

/** What is `anything` is checked where it is used. */
const kinds: { readonly [O in Operation]: Kinds<OptionsOf[O]> } = {
  attach: { ...callKinds, artifactType: anything, layers: anything, annotations: anything },
  deleteBlob: callKinds,
  deleteManifest: callKinds,
  deleteTag: callKinds,
  downloadBlob: callKinds,
  fetch: fetchKinds,
  fetchBlob: { ...callKinds, range: anything },
  fetchBytes: { ...callKinds, limit: count },
  fetchConfig: callKinds,
  fetchManifest: fetchKinds,
  hasBlob: callKinds,
  listReferrers: { ...callKinds, artifactType: anything, onUnread: callback },
  listRepositories: listKinds,
  listTags: listKinds,
  mountBlob: callKinds,
  ping: callKinds,
  pushBlob: {
    ...callKinds,
    assumeMissing: flag,
    chunkBytes: anything,
    mount: anything,
    uploadSession: anything,
    onUploadSession: callback,
  },
  pushBytes: { ...callKinds, mediaType: anything },
  pushManifest: { ...callKinds, tag: anything, referrersTag: flag },
  request: { ...callKinds, limit: count },
  resolve: callKinds,
};

/** Returns the options of a call when it has such options, with a {@link checkedListener}. @throws OciError `USAGE` */
export function checkCall<O extends Pick<CallOptions, 'onEvent'>>(
  operation: Operation,
  options: O,
): O {
  checkOptions(options, kinds[operation] as Kinds);
  const { onEvent } = options;
  return onEvent ? { ...options, onEvent: checkedListener(onEvent) } : options;
}
