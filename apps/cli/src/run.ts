import { type ExitCode, OciError, asOciError, exitCodeOf, exitCodes } from '@oci/spec-types';
import { CommanderError } from 'commander';

import { Exit } from './command/definition.js';
import { createProgram } from './command/program.js';
import { ocictl } from './program.js';
import type { Terminal } from './terminal.js';

/** Runs `ocictl` with its arguments, without the program's name. @returns what to exit with */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await parse(args, terminal);
    return exitCodes.ok;
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.exitCode;
    if (thrown instanceof CommanderError && isHelp(thrown)) {
      return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    // They have words for all that can fail, and most commands succeed.
    const error = await asFailure(thrown, args, terminal);
    const { printFailure } = await import('./failure.js');
    printFailure(error, terminal, { format: formatOf(args), debug: isDebug(args) });
    return exitCodeOf(error.code);
  }
}

/** Making all commands takes longer than parsing the line: first only those whose names stand in it are made. */
async function parse(args: readonly string[], terminal: Terminal): Promise<void> {
  const words = new Set(args);
  const commands = ocictl.commands.filter(({ name, aliases = [] }) =>
    [name.split(' ')[0] ?? '', ...aliases].some((word) => words.has(word)),
  );
  const isSmall = commands.length > 0 && !['help', '-h', '--help'].some((word) => words.has(word));
  const groups = ocictl.groups.filter(({ name }) => words.has(name));
  try {
    const named = isSmall ? { ...ocictl, commands, groups } : ocictl;
    await createProgram(named, terminal, ocictl).parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!isSmall || !(error instanceof CommanderError)) throw error;
    if (error.code !== 'commander.unknownCommand') throw error;
    await createProgram(ocictl, terminal).parseAsync(args, { from: 'user' });
  }
}

/** The help and the version have been printed; a group without a command prints its help, too. */
function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

async function asFailure(
  thrown: unknown,
  args: readonly string[],
  terminal: Terminal,
): Promise<OciError> {
  if (thrown instanceof CommanderError) {
    const { usageError } = await import('./usage-error.js');
    return usageError(thrown.message, { args, program: ocictl });
  }
  return terminal.signal.aborted ? interrupted(thrown) : asOciError(thrown);
}

function interrupted(cause: unknown): OciError {
  return new OciError('ABORTED', 'interrupted', {
    cause,
    hint: 'Run the same command again: nothing half-written counts, and a download goes on where it ended.',
  });
}

/** The arguments may be what is wrong, so the format is looked for without parsing them. */
function formatOf(args: readonly string[]): 'text' | 'json' {
  const at = args.lastIndexOf('--format');
  return (at >= 0 && args[at + 1] === 'json') || args.includes('--format=json') ? 'json' : 'text';
}

function isDebug(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--debug' || /^-[a-zA-Z]*d/.test(arg));
}
