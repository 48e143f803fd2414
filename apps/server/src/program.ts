import { readFileSync } from 'node:fs';

import { exitCodeOf, exitCodes } from '@oci/manager/program';
import { OciError, asOciError } from '@oci/spec-types';
import { Command, CommanderError } from 'commander';

import { addCheckConfig } from './commands/check-config.js';
import { addCollect } from './commands/collect.js';
import { formatOption, prepared } from './commands/command.js';
import { addToken } from './commands/create-token.js';
import { addDoctor } from './commands/doctor.js';
import { addExport } from './commands/export.js';
import { addImport } from './commands/import.js';
import { addRetention } from './commands/retention.js';
import { addServe } from './commands/serve.js';
import { addVerify } from './commands/verify.js';
import { addAudit } from './commands/verify-audit.js';
import { type Format, onClosedPipe, printFailure, printHelp } from './output.js';

/** Runs `oci-server` with its arguments, without the program's name, and sets what the process exits with. */
export async function run(args: readonly string[]): Promise<void> {
  onClosedPipe(() => process.exit());
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    if (thrown instanceof CommanderError && isHelp(thrown)) {
      process.exitCode = thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
      return;
    }
    const error =
      thrown instanceof CommanderError
        ? usageError(thrown, namesOf(program, args))
        : asOciError(thrown);
    printFailure(error, formatOf(args));
    process.exitCode = exitCodeOf(error.code);
  }
}

function createProgram(): Command {
  const program = prepared(new Command('oci-server'))
    .description('A registry and an HTTP API for artifacts.')
    .option('-V, --version', 'print the version')
    .addOption(formatOption())
    .on('option:version', () => {
      printHelp(`${versionOf()}\n`);
      throw new CommanderError(0, 'commander.version', '');
    });
  addServe(program);
  addCheckConfig(program);
  addCollect(program);
  addRetention(program);
  addExport(program);
  addImport(program);
  addVerify(program);
  addDoctor(program);
  addAudit(program);
  addToken(program);
  return program;
}

/** The help and the version have been printed; a group without a command prints its help, too. */
function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

function usageError({ message }: CommanderError, names: readonly string[]): OciError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n(');
  const help = `See: ${['oci-server', ...names].join(' ')} --help`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/\)\s*$/, '')} ${help}`;
  return new OciError('USAGE', what.replace(/\.$/, ''), { hint });
}

/** The command that arguments are of, as `audit verify`. */
function namesOf(program: Command, args: readonly string[]): readonly string[] {
  const names: string[] = [];
  let command = program;
  for (const arg of args) {
    command = command.commands.find((each) => each.name() === arg) ?? command;
    if (command.name() === arg) names.push(arg);
  }
  return names;
}

/** The arguments may be what is wrong, so the format is looked for without parsing them. */
function formatOf(args: readonly string[]): Format {
  const at = args.lastIndexOf('--format');
  return (at >= 0 && args[at + 1] === 'json') || args.includes('--format=json') ? 'json' : 'text';
}

function versionOf(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
