export { LayoutArchive } from '../archive/layout-archive.js';
export { MemoryRepository } from '../memory/memory-repository.js';
export {
  type DownloadTarget,
  LayoutDirectory,
  type LayoutDirectoryOptions,
} from './layout-directory.js';
export type { LayoutRepository } from './layout-repository.js';
