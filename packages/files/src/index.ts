export { makeDirectoryBelow, refuseLinks, withDirectoryBelow } from './directory-below.js';
export { shownPath } from './descriptor-path.js';
export { type FileLockOptions, type HeldLock, withFileLock } from './file-lock.js';
export {
  type FileContent,
  type FileOptions,
  type ReplacementOptions,
  createFile,
  replaceFile,
  syncDirectory,
  syncFile,
  temporaryBeside,
} from './file-replacement.js';
export { homeDirectory } from './home-directory.js';
export { readNamedFile } from './named-file.js';
export { openOwnFile, readNote, readNoteAtOnce, refuseDirectory, writeNote } from './own-file.js';
export { type ProcessState, ownProcess, processState } from './process-identity.js';
export {
  type StorageAction,
  hasCode,
  isMissing,
  onStorage,
  storageFailure,
  unlessMissing,
} from './storage-failure.js';
export { withTemporaryDirectory } from './temporary-directory.js';
export { TemporaryFiles } from './temporary-files.js';
