export type { WritableRepository } from './ability.js';
export { copy } from './copy.js';
export { type CopyAllEvent, type CopyAllOptions, type TagCopy, copyAll } from './copy-all.js';
export type { CopyEvent } from './copy-event.js';
export type {
  CopyOptions,
  CopyResult,
  CopySource,
  CopyTally,
  CopyTarget,
  LeftBehind,
} from './copy-options.js';
export { type GraphLimits, defaultGraphLimits } from './graph.js';
export type { TagChoice } from './tag-choice.js';
export { formatPlatform, parsePlatform } from './platform-choice.js';
