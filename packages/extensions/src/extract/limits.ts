import type { PathLimits } from './entry-path.js';

/** What an archive may have at most. */
export interface ExtractLimits extends PathLimits {
  /** Files and directories. Default 100 000. */
  readonly entries: number;
  /** Of all files. Default 4 GiB. */
  readonly bytes: number;
  /** Unpacked bytes per packed byte. Default 200. */
  readonly ratio: number;
  /** Below this many bytes the ratio does not count. Default 64 MiB. */
  readonly ratioFloorBytes: number;
}

export const defaultExtractLimits: ExtractLimits = {
  entries: 100_000,
  bytes: 4 * 1024 ** 3,
  ratio: 200,
  ratioFloorBytes: 64 * 1024 * 1024,
  pathBytes: 1024,
  depth: 64,
};
