import { readFileSync } from 'node:fs';

import { exitCodeOf, exitCodes } from '@oci/manager/program';
import { OciError, asOciError } from '@oci/spec-types';
import { Command, CommanderError, Option } from 'commander';

import { checkConfig } from './commands/check-config.js';
import { createToken } from './commands/create-token.js';
import { serve } from './commands/serve.js';
import { verifyAuditLog } from './commands/verify-audit.js';
import type { ServerSettingInputs } from './config/server-settings.js';
import { type Format, onClosedPipe, printFailure, printHelp, printResult } from './output.js';

interface Options {
  readonly format: Format;
  readonly config?: string;
  readonly listen?: string;
  readonly dataDir?: string;
  readonly allowPlainHttp?: boolean;
  readonly logLevel?: string;
  readonly dir?: string;
  readonly keyFile?: string;
  readonly noted?: string;
}

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
    const error = thrown instanceof CommanderError ? usageError(thrown, args) : asOciError(thrown);
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
  addAudit(program);
  addToken(program);
  return program;
}

function addServe(program: Command): void {
  withSettings(commandOf(program, 'serve'))
    .description(
      'serve hosted repositories at /v2/ and the API at /api/v1/; SIGHUP reads the configuration again',
    )
    .addHelpText('after', example('serve --listen 127.0.0.1:5000 --data-dir /var/lib/oci-server'))
    .action((_: unknown, command: Command) => serve(inputsOf(command.optsWithGlobals())));
}

function addCheckConfig(program: Command): void {
  withSettings(commandOf(program, 'check-config'))
    .description('check the configuration without opening anything')
    .addHelpText('after', example('check-config --config server.toml'))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      printResult(await checkConfig(inputsOf(options)), options.format);
    });
}

function addAudit(program: Command): void {
  const audit = commandOf(program, 'audit').description('the audit log');
  commandOf(audit, 'verify')
    .description('find lines that were changed, removed or added; ends with 1 when there are any')
    .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
    .option('--data-dir <dir>', 'the directory of the server (also OCI_SERVER_DATA_DIR)')
    .option('--dir <dir>', 'the directory of the log (also OCI_AUDIT_DIR)')
    .option('--key-file <file>', 'its key (also OCI_AUDIT_KEY_FILE)')
    .option('--noted <line:hash>', 'a line that verify printed before, which has to be there')
    .addHelpText('after', example('audit verify --config server.toml'))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const result = await verifyAuditLog(inputsOf(options), options.noted);
      printResult(result, options.format);
      if (!result.isWhole) process.exitCode = exitCodes.other;
    });
}

function addToken(program: Command): void {
  const token = commandOf(program, 'token').description('tokens of callers');
  commandOf(token, 'create')
    .argument('<name>', 'what rules and the audit log call it')
    .description('print a new token, and its hash for the configuration')
    .addHelpText('after', example('token create ci'))
    .action((name: string, _: unknown, command: Command) => {
      printResult(createToken(name), command.optsWithGlobals<Options>().format);
    });
}

function commandOf(parent: Command, name: string): Command {
  return prepared(parent.command(name));
}

/** Failures are thrown for the caller to print, in the form that was asked for. */
function prepared(command: Command): Command {
  return command
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: printHelp, writeErr: printHelp, outputError: () => {} });
}

function formatOption(): Option {
  return new Option('--format <format>', 'form of the result on stdout, and of errors')
    .choices(['text', 'json'])
    .default('text');
}

function withSettings(command: Command): Command {
  return command
    .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
    .option(
      '--listen <host:port>',
      'address to listen on (also OCI_SERVER_LISTEN); default 127.0.0.1:5000',
    )
    .option('--data-dir <dir>', 'where hosted repositories are kept (also OCI_SERVER_DATA_DIR)')
    .option('--allow-plain-http', 'listen where other machines reach it, without TLS')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent; default info');
}

function inputsOf(options: Partial<Options>): ServerSettingInputs {
  return {
    configFile: options.config,
    flags: {
      'server.listen': options.listen,
      'server.data_dir': options.dataDir,
      'server.allow_plain_http': options.allowPlainHttp,
      'server.log_level': options.logLevel,
      'audit.dir': options.dir,
      'audit.key_file': options.keyFile,
    },
  };
}

/** The help and the version have been printed; a group without a command prints its help, too. */
function isHelp({ code }: CommanderError): boolean {
  return ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(code);
}

function usageError({ message }: CommanderError, args: readonly string[]): OciError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n(');
  const words = args.filter((arg) =>
    /^(?:serve|check-config|audit|verify|token|create)$/.test(arg),
  );
  const help = `See: ${['oci-server', ...words].join(' ')} --help`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/\)\s*$/, '')} ${help}`;
  return new OciError('USAGE', what.replace(/\.$/, ''), { hint });
}

/** The arguments may be what is wrong, so the format is looked for without parsing them. */
function formatOf(args: readonly string[]): Format {
  const at = args.lastIndexOf('--format');
  return (at >= 0 && args[at + 1] === 'json') || args.includes('--format=json') ? 'json' : 'text';
}

function example(line: string): string {
  return `\nExample:\n  $ oci-server ${line}`;
}

function versionOf(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { readonly version: string }).version;
}
