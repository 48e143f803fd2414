import { Scope } from './scope.mjs';
import { startFront } from './front.mjs';
import { startLink } from './link.mjs';

/** @typedef {Awaited<ReturnType<typeof startFront>>} Front */
/** @typedef {Awaited<ReturnType<typeof startLink>>} Link */

/**
 * A target of a case, and what came of it.
 *
 * @typedef {object} Verdict
 * @property {string} target
 * @property {string} ours
 * @property {string} best of the peers, with its name
 * @property {string} ratio
 * @property {boolean | undefined} isMet undefined where there is no peer to compare with
 */

/**
 * @typedef {object} CaseResult
 * @property {readonly import('./compare.mjs').Row[]} rows
 * @property {readonly Verdict[]} verdicts
 * @property {readonly string[]} [notes]
 */

/**
 * @typedef {object} BenchCase
 * @property {string} name for the command line
 * @property {string} title
 * @property {(bench: Bench) => Promise<CaseResult>} run
 */

/** What a case works with. What it starts and makes ends with the case. */
export class Bench {
  scope;
  rounds;
  /** Whether everything is an eighth of its size, to try the harness. */
  isQuick;
  progress;

  /**
   * @param {object} options
   * @param {number} options.rounds
   * @param {boolean} options.isQuick
   * @param {string | undefined} options.workDir
   * @param {(text: string) => void} options.progress
   */
  constructor({ rounds, isQuick, workDir, progress }) {
    this.scope = new Scope(workDir);
    this.rounds = rounds;
    this.isQuick = isQuick;
    this.progress = progress;
  }

  /**
   * A size or a number of things, less when the run is quick.
   *
   * @param {number} size
   */
  size(size) {
    return this.isQuick ? Math.ceil(size / 8) : size;
  }

  /** @param {Parameters<typeof startLink>[0]} options */
  async link(options) {
    const link = await startLink(options);
    this.scope.defer(() => link.close());
    return link;
  }

  /** @param {Parameters<typeof startFront>[0]} options */
  async front(options) {
    const front = await startFront(options);
    this.scope.defer(() => front.close());
    return front;
  }
}
