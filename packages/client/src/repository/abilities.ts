/** What a repository does over HTTP, loaded with its first call: a pull out of the cache makes none. */
export { catalogScope } from '../authorization/scope.js';
export { attach, checkAttachment } from '../manifest/attachment.js';
export { downloadBlob } from '../download/download.js';
export { fetchBytes, pushBytes } from './blob-bytes.js';
export { hasBlob, pushBlob } from './blob-sink.js';
export { fetchBlob } from './blob-source.js';
export { deleteBlob, deleteManifest, deleteTag } from './deletion.js';
export { read } from './endpoint.js';
export { fetchConfig } from './image-config.js';
export { listEntries } from './listing.js';
export { pushManifest } from './manifest-sink.js';
export { fetch, fetchManifest, resolve } from './manifest-source.js';
export { mountBlob } from './mount.js';
export { listReferrers } from './referrers.js';
