import type { ExitCode } from '@oci/manager/program';

import type { Terminal } from '../terminal.js';
import type { GlobalOptions } from './global-options.js';
import type { ArgumentDefinition, OptionDefinition } from './options.js';

/** Runs a command with its arguments and options by name. */
type CommandAction<Input extends object> = (input: Input, invocation: Invocation) => Promise<void>;

/** A command, told once: the parser, `--help`, `help`, completion and `docs/ocictl.md` are made from it. */
export interface CommandDefinition<Input extends object = never> {
  /** The words behind `ocictl`, e.g. `kcl pull`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** Which part of the list of commands it stands in; a subcommand stands in its group's. */
  readonly section?: Section;
  /** One line without a full stop. */
  readonly summary: string;
  /** Further paragraphs for the help. */
  readonly description?: string;
  readonly arguments?: readonly ArgumentDefinition<keyof Input & string>[];
  readonly options?: readonly OptionDefinition<keyof Input & string>[];
  /** Whole command lines. */
  readonly examples: readonly string[];
  /** The shape of its result, `docs/json/v1/<name>.schema.json`. */
  readonly json?: string;
  /** Not shown: for programs. */
  readonly hidden?: boolean;
  /** Loads what it does, which is read from the disk only when it runs. */
  readonly load: () => Promise<CommandAction<Input>>;
}

/** Commands that share their first word. */
interface CommandGroup {
  readonly name: string;
  readonly section: Section;
  readonly summary: string;
}

export const sections = {
  packages: 'Packages and extensions:',
  artifacts: 'Any artifact:',
  registries: 'Registries:',
  machine: 'This machine:',
} as const;

type Section = keyof typeof sections;

/** All that `ocictl` is made of. */
export interface ProgramDefinition {
  readonly version: string;
  readonly summary: string;
  readonly groups: readonly CommandGroup[];
  readonly commands: readonly CommandDefinition[];
  readonly examples: readonly string[];
}

/** The options that every command takes, the terminal it runs at, and the program it is part of. */
export interface Invocation {
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  readonly program: ProgramDefinition;
}

/** Thrown by a command that has said what there is to say and only has to end with a code. */
export class Exit extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** Checks the names of arguments and options against what the command takes. */
export function defineCommand<Input extends object>(
  definition: CommandDefinition<Input>,
): CommandDefinition {
  return definition;
}
