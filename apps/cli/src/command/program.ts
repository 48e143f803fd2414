import { OciError } from '@oci/spec-types';
import { Argument, Command, Help, Option } from 'commander';

import type { Terminal } from '../terminal.js';
import {
  type CommandDefinition,
  type Invocation,
  type ProgramDefinition,
  sections,
} from './definition.js';
import { type GlobalOptions, globalOptions } from './global-options.js';
import { splitJoinedVersion } from './joined-version.js';
import { type ArgumentDefinition, type OptionDefinition, flagOf } from './options.js';

/**
 * The parser for a program: what a command does is loaded when it runs.
 *
 * @param whole what the commands get to know of, when `definition` is a part of it
 */
export function createProgram(
  definition: ProgramDefinition,
  terminal: Terminal,
  whole: ProgramDefinition = definition,
): Command {
  const program = prepared(new Command('ocictl'), terminal)
    .description(definition.summary)
    .version(definition.version, '-V, --version', 'print the version')
    .configureHelp({ subcommandTerm: termOf, formatHelp: commandsFirst })
    .addHelpText('after', examples(definition.examples))
    .addHelpText('after', '\nocictl help TOPIC explains: ocictl help topics');
  for (const option of globalOptions) program.addOption(optionOf(option));
  const run: Omit<Invocation, 'options'> = { terminal, program: whole };
  for (const section of sectionNames) addSection(program, { section, definition, run });
  return program;
}

/** The help has its headings in the order in which they are first used. */
function addSection(
  program: Command,
  {
    section,
    definition,
    run,
  }: {
    section: string | undefined;
    definition: ProgramDefinition;
    run: Omit<Invocation, 'options'>;
  },
): void {
  for (const group of definition.groups.filter((one) => one.section === section)) {
    const parent = prepared(program.command(group.name), run.terminal)
      .description(group.summary)
      .helpGroup(sections[group.section]);
    for (const command of definition.commands)
      if (command.name.startsWith(`${group.name} `)) addCommand(parent, command, run);
  }
  for (const command of definition.commands)
    if (command.section === section && !command.name.includes(' '))
      addCommand(program, command, run);
}

const sectionNames: readonly (string | undefined)[] = [...Object.keys(sections), undefined];

function addCommand(
  parent: Command,
  definition: CommandDefinition,
  run: Omit<Invocation, 'options'>,
): void {
  const { terminal } = run;
  const { name, hidden = false, aliases = [] } = definition;
  const command = prepared(parent.command(lastWord(name), { hidden }), terminal)
    .summary(definition.summary)
    .description([definition.summary, definition.description].filter(Boolean).join('\n\n'))
    .aliases(aliases.map(lastWord));
  if (definition.section) command.helpGroup(sections[definition.section]);
  for (const argument of definition.arguments ?? []) command.addArgument(argumentOf(argument));
  command.usage(['[options]', ...(definition.arguments ?? []).map(usageOf)].join(' '));
  for (const option of definition.options ?? []) command.addOption(optionOf(option));
  command.addHelpText('after', examples(definition.examples));
  command.addHelpText('after', '\nOptions of every command: ocictl help options');
  command.action(async (...given: readonly unknown[]) => {
    const input = splitJoinedVersion(definition, inputOf(definition, given));
    const action = await definition.load();
    // `defineCommand` has checked that the names are those of the input.
    await action(input as never, { ...run, options: command.optsWithGlobals<GlobalOptions>() });
  });
}

/** The name of a command in its group. */
function lastWord(name: string): string {
  return name.slice(name.lastIndexOf(' ') + 1);
}

/**
 * Commander gives the arguments in their order, then the options, then itself.
 *
 * @throws OciError `USAGE` for an argument without a character, as an unset variable of a script makes it
 */
function inputOf(
  definition: CommandDefinition,
  given: readonly unknown[],
): Readonly<Record<string, unknown>> {
  const names: readonly ArgumentDefinition<string>[] = definition.arguments ?? [];
  const empty = names.find((_, at) => given[at] === '');
  if (empty) {
    throw new OciError('USAGE', `argument '${empty.name}' is empty`, {
      hint: `Is a variable unset? See: ocictl ${definition.name} --help`,
    });
  }
  const values = names.map(({ name }, at) => [name, given[at]] as const);
  return { ...Object.fromEntries(values), ...Object(given[names.length]) };
}

/** Failures are thrown for the caller to print, in the form that was asked for. */
function prepared(command: Command, terminal: Terminal): Command {
  return command
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(terminal),
    })
    .configureHelp({ subcommandTerm: termOf });
}

function helpWidth({ stdout }: Pick<Terminal, 'stdout'>): number {
  return Math.min(100, Math.max(40, stdout.columns || 80));
}

/** Whoever asks what there is looks for a command; the options of every command come last. */
function commandsFirst(command: Command, help: Help): string {
  const blocks = Help.prototype.formatHelp.call(help, command, help).trimEnd().split('\n\n');
  const isOptions = (block: string): boolean => block.startsWith('Options:');
  const ordered = [...blocks.filter((block) => !isOptions(block)), ...blocks.filter(isOptions)];
  return `${ordered.join('\n\n')}\n`;
}

/** Without `[options]`, which nearly all have. */
function termOf(command: Command): string {
  const name = [command.name(), ...command.aliases()].join('|');
  return [
    name,
    command
      .usage()
      .replace(/^\[options\]/, '')
      .trim(),
  ]
    .filter(Boolean)
    .join(' ');
}

function optionOf(definition: OptionDefinition<string>): Option {
  const { name, short, value, description } = definition;
  const flags = [short && `-${short}`, flagOf(name)].filter(Boolean).join(', ');
  const option = new Option(value ? `${flags} <${value}>` : flags, description);
  if (definition.choices) option.choices(definition.choices);
  if (definition.default !== undefined) option.default(definition.default);
  if (definition.conflicts) option.conflicts(definition.conflicts);
  const { parse } = definition;
  if (definition.repeatable) {
    // One value for each time it is given: `-a k=v FILE` must not swallow the file.
    option.argParser((text: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      text,
    ]);
  } else if (parse) option.argParser((text: string) => parse(text, flagOf(name)));
  return option;
}

/** The argument as the usage line has it. */
function usageOf({ name, variadic, optional }: ArgumentDefinition<string>): string {
  const word = variadic ? `${name}...` : name;
  return optional ? `[${word}]` : `<${word}>`;
}

function argumentOf(definition: ArgumentDefinition<string>): Argument {
  const { joins, description, choices } = definition;
  // One that may be joined to the argument before it may be missing itself: that is checked when both are read.
  const word = joins ? usageOf({ ...definition, optional: true }) : usageOf(definition);
  const argument = new Argument(word, description);
  return choices ? argument.choices(choices) : argument;
}

function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`;
}
