export {
  Verifier,
  describeManifest,
  digestOf,
  embeddedContent,
  verified,
  verifyBytes,
  verifyManifest,
} from './verify.js';
export {
  type StorageAction,
  hasCode,
  isMissing,
  onStorage,
  storageFailure,
} from './storage-failure.js';
export { type ReadBytesOptions, readBytes } from './read-bytes.js';
export { homeDirectory } from './home-directory.js';
export { isAlive, TemporaryFiles } from './temporary-files.js';
export { type FileLockOptions, withFileLock } from './file-lock.js';
