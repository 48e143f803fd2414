import { OciError, isOciError, messageOf } from './error.js';

/**
 * Returns the same listener, whose exception ends the work that it listens to: an `OciError` as it is, any other as
 * `USAGE` with the exception as its cause, so that it is neither lost nor taken for a failure of the work.
 */
export function checkedListener<A extends readonly unknown[], R>(
  listener: (...heard: A) => R,
): (...heard: A) => R {
  return (...heard) => {
    try {
      return listener(...heard);
    } catch (cause) {
      if (isOciError(cause)) throw cause;
      throw new OciError('USAGE', `a listener failed: ${messageOf(cause)}`, {
        cause,
        hint: 'Correct the function that was given as onEvent or observer: its exception is the cause.',
      });
    }
  };
}
