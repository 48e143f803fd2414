export {
  type ArtifactFile,
  type ArtifactFiles,
  type ListFilesOptions,
  listFiles,
} from './artifact-files.js';
export type { ArtifactDescription } from './file-artifact.js';
export type { FileInput, SourceFile } from './file-input.js';
export type { PulledFile } from './file-placement.js';
export { type PulledFiles, type PullFilesOptions, pullFiles } from './pull-files.js';
export {
  type PushedContentOptions,
  type PushedFiles,
  type PushFilesOptions,
  attachFiles,
  pushFiles,
} from './push-files.js';
export type { ReplacedTag } from './published-tags.js';
