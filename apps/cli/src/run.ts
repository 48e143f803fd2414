import { OciError, asOciError } from '@oci/spec-types';
import { CommanderError } from 'commander';

import { Exit, type ExitCode, exitCodeOf, exitCodes } from './exit-code.js';
import { printFailure } from './failure.js';
import { createProgram } from './program.js';
import type { Terminal } from './terminal.js';

/** Runs `ocictl` with its arguments, without the program's name. @returns what to exit with */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const program = createProgram(terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.exitCode;
    // Commander has printed its message, or the help that was asked for.
    if (thrown instanceof CommanderError)
      return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const error = terminal.signal.aborted ? interrupted(thrown) : asOciError(thrown);
    printFailure(error, terminal, formatOf(args));
    return exitCodeOf(error.code);
  }
}

function interrupted(cause: unknown): OciError {
  return new OciError('ABORTED', 'interrupted', {
    cause,
    hint: 'Nothing half-written was kept. Run the same command again.',
  });
}

/** The arguments may be what is wrong, so the format is looked for without parsing them. */
function formatOf(args: readonly string[]): 'text' | 'json' {
  const at = args.lastIndexOf('--format');
  return args[at + 1] === 'json' && at >= 0
    ? 'json'
    : args.includes('--format=json')
      ? 'json'
      : 'text';
}
