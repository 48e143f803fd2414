export type { WritableRepository } from './ability.js';
export { copy } from './copy.js';
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
export { formatPlatform, parsePlatform } from './platform-choice.js';
