import type { DownloadWorker } from './download-workers.js';

/** The part of a file that the body of an answer belongs to. Nobody closes the descriptors before it ended. */
export interface FilePlace {
  /** Named in failures of storage. */
  readonly path: string;
  readonly file: number;
  readonly journal: number;
  readonly position: number;
  /** May move forward before anything is written. */
  readonly end: number;
  /** Chooses a worker: the one that has the hash where these bytes come next, else the one with the least to do. */
  readonly take: () => PlaceWorker | undefined;
}

export interface PlaceWorker {
  readonly worker: DownloadWorker;
  /** The worker's name for the hash of the file, if it has it. */
  readonly hash: number | undefined;
}

/** Takes the worker with the least to do, if one can be had. */
export type TakeWorker = () => DownloadWorker | undefined;
