import type { Invocation } from './invocation.js';

/** What the shell may offer for a word; names and tags come from the cache. */
export type Completion =
  | 'directory'
  | 'extension-name'
  | 'extension-type'
  | 'file'
  | 'kcl-name'
  | 'namespace'
  | 'reference'
  | 'registry'
  | 'repository'
  | 'topic'
  | 'version';

export interface ArgumentDefinition<Name extends string> {
  readonly name: Name;
  readonly description: string;
  readonly optional?: boolean;
  /** May be written behind the argument before it: `NAME:VERSION`. */
  readonly joins?: boolean;
  /** All words that are left. */
  readonly variadic?: boolean;
  readonly choices?: readonly string[];
  readonly completes?: Completion;
}

export interface OptionDefinition<Name extends string> {
  /** In camel case: `installDir` is `--install-dir`. */
  readonly name: Name;
  readonly short?: string;
  readonly description: string;
  /** What stands for the value in the help; without one the option is a switch. */
  readonly value?: string;
  /** May be given several times; the values are an array. */
  readonly repeatable?: boolean;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly conflicts?: string;
  /** Makes something else of the text. @throws OciError `USAGE` */
  readonly parse?: (text: string) => unknown;
  readonly completes?: Completion;
}

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
export interface CommandGroup {
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

/** Checks the names of arguments and options against what the command takes. */
export function defineCommand<Input extends object>(
  definition: CommandDefinition<Input>,
): CommandDefinition {
  return definition;
}
