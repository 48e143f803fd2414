import type { GlobalOptions } from '../command/global-options.js';
import type { Terminal } from '../terminal.js';
import { JsonProgress } from './json-progress.js';
import { PlainProgress } from './plain-progress.js';
import { NoProgress, type Progress } from './progress.js';

/**
 * The display of `--progress`. `auto` draws on a terminal, prints lines in CI (where `CI` is set), and
 * elsewhere only says what is unusual.
 */
export async function createProgress(
  { stderr, env }: Pick<Terminal, 'stderr' | 'env'>,
  { progress, quiet }: Pick<GlobalOptions, 'progress' | 'quiet'>,
): Promise<Progress> {
  const isTerminal = stderr.isTerminal && env['TERM'] !== 'dumb';
  if (quiet || progress === 'none') return new NoProgress(stderr);
  if (progress === 'json') return new JsonProgress(stderr);
  if (progress === 'tty' || (progress === 'auto' && isTerminal)) {
    // What draws is not read where there is no terminal.
    const { TtyProgress } = await import('./tty-progress.js');
    return new TtyProgress(stderr, env);
  }
  const isContinuous = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
  return new PlainProgress(stderr, { everything: progress === 'plain' || isContinuous });
}
