import { type ExitCode, exitCodes } from '@oci/manager/program';
import { CommanderError } from 'commander';

import { Exit, type ProgramDefinition } from './command/definition.js';
import { commandWords } from './command/global-options.js';
import { createProgram } from './command/program.js';
import { packagesProgram } from './packages-program.js';
import type { Terminal } from './terminal.js';

/** Runs `ocictl` with its arguments, without the program's name. @returns what to exit with */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    const { definition, whole } = await programFor(args);
    await createProgram(definition, terminal, whole).parseAsync(args, { from: 'user' });
    return exitCodes.ok;
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.exitCode;
    if (thrown instanceof CommanderError && isHelp(thrown)) {
      return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    // A command that succeeds does not read what tells of failures.
    const { reportFailure } = await import('./failure.js');
    return reportFailure(thrown, args, terminal);
  }
}

/** Making all commands takes longer than parsing the line, so only those of its first word are made. */
async function programFor(
  args: readonly string[],
): Promise<{ readonly definition: ProgramDefinition; readonly whole: ProgramDefinition }> {
  const [word] = commandWords(args);
  const ofPackages = partOf(packagesProgram, word);
  if (ofPackages) return { definition: ofPackages, whole: packagesProgram };
  const { ocictl } = await import('./program.js');
  return { definition: partOf(ocictl, word) ?? ocictl, whole: ocictl };
}

/** The commands that begin with a word; undefined when there is none. */
function partOf(
  program: ProgramDefinition,
  word: string | undefined,
): ProgramDefinition | undefined {
  const commands = program.commands.filter(
    ({ name, aliases = [] }) => name.split(' ')[0] === word || aliases.includes(word ?? ''),
  );
  const groups = program.groups.filter(({ name }) => name === word);
  return commands.length === 0 ? undefined : { ...program, commands, groups };
}

/** The help and the version have been printed; a group without a command prints its help, too. */
function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}
