import type { CopyEvent } from '@oci/client';
import { printable } from '@oci/spec-types';

import type { GlobalOptions } from '../command/global-options.js';
import type { Terminal } from '../terminal.js';
import type { TextStream } from '../text-stream.js';
import { JsonProgress } from './json-progress.js';
import { PlainProgress } from './plain-progress.js';
import { TtyProgress } from './tty-progress.js';

/** Shows on stderr what happens. */
export interface Progress {
  add(event: CopyEvent): void;
  /** Prints a line of its own, whatever is shown. */
  say(line: string): void;
  /** Takes away what is only of the moment; what comes later begins anew. */
  clear(): void;
}

/**
 * The display of `--progress`. `auto` draws on a terminal, prints lines in CI (where `CI` is set), and
 * elsewhere only says what is unusual.
 */
export function createProgress(
  { stderr, env }: Pick<Terminal, 'stderr' | 'env'>,
  { progress, quiet }: Pick<GlobalOptions, 'progress' | 'quiet'>,
): Progress {
  const isTerminal = stderr.isTerminal && env['TERM'] !== 'dumb';
  if (quiet || progress === 'none') return new NoProgress(stderr);
  if (progress === 'json') return new JsonProgress(stderr);
  if (progress === 'tty' || (progress === 'auto' && isTerminal))
    return new TtyProgress(stderr, env);
  const isContinuous = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
  return new PlainProgress(stderr, { everything: progress === 'plain' || isContinuous });
}

class NoProgress implements Progress {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  add(): void {}

  say(line: string): void {
    this.#stream.write(`${printable(line)}\n`);
  }

  clear(): void {}
}
