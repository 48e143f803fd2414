import { type Command, Option } from 'commander';

import type { ServerSettingInputs } from '../config/server-settings.js';
import { type Format, printHelp } from '../output.js';

/** Options that several commands have. */
export interface CommonOptions {
  readonly format: Format;
  readonly config?: string;
  readonly dataDir?: string;
}

/** Adds a command, whose failures are thrown for the program to print in the form that was asked for. */
export function commandOf(parent: Command, name: string): Command {
  return prepared(parent.command(name));
}

export function prepared(command: Command): Command {
  return command
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: printHelp, writeErr: printHelp, outputError: () => {} });
}

export function formatOption(): Option {
  return new Option('--format <format>', 'form of the result on stdout, and of errors')
    .choices(['text', 'json'])
    .default('text');
}

/** Adds the options by which every command finds its configuration. */
export function withConfiguration(command: Command): Command {
  return command
    .option('--config <file>', 'TOML file with [orchestrator.oci] (also OCI_CONFIG)')
    .option('--data-dir <dir>', 'the directory of the server (also OCI_SERVER_DATA_DIR)');
}

/** What the settings are loaded from, given the options of {@link withConfiguration} and flags of the command's own. */
export function inputsOf(
  { config, dataDir }: Partial<CommonOptions>,
  flags: ServerSettingInputs['flags'] = {},
): ServerSettingInputs {
  return { configFile: config, flags: { 'server.data_dir': dataDir, ...flags } };
}

export function example(line: string): string {
  return `\nExample:\n  $ oci-server ${line}`;
}
