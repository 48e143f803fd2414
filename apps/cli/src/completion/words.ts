import type { CommandDefinition, ProgramDefinition } from '../command/definition.js';
import { globalOptions } from '../command/global-options.js';
import { type Completion, flagOf } from '../command/options.js';

interface Option {
  readonly name: string;
  readonly short?: string;
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly completes?: Completion;
}

/** What may stand at the end of a command line. */
export type Wanted =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | {
      readonly kind: 'values';
      readonly of: Completion;
      /** The arguments before it, by name. */
      readonly given: Readonly<Record<string, string>>;
      readonly command: string;
    };

/** Finds what the last word of a line is to be, from the definitions of the commands. */
export function wanted(words: readonly string[], program: ProgramDefinition): Wanted {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const line = read(before, program);
  if (line.pending) return valueOf(line.pending, line);
  if (last.startsWith('-')) return { kind: 'words', words: flags(line.options) };
  if (line.command === undefined) return { kind: 'words', words: line.next };
  const all = line.command.arguments ?? [];
  const at = Math.min(line.positional.length, all.length - 1);
  const argument: Option | undefined = all[at];
  const isOver = line.positional.length >= all.length && !all.at(-1)?.variadic;
  return argument && !isOver ? valueOf(argument, line) : { kind: 'words', words: [] };
}

interface Line {
  readonly command: CommandDefinition | undefined;
  readonly options: readonly Option[];
  readonly positional: readonly string[];
  /** An option that waits for its value. */
  readonly pending: Option | undefined;
  /** The words that may follow, as long as there is no command. */
  readonly next: readonly string[];
}

function read(words: readonly string[], program: ProgramDefinition): Line {
  let name = '';
  let pending: Option | undefined;
  const positional: string[] = [];
  for (const word of words) {
    const options = optionsOf(find(name, program));
    if (pending) pending = undefined;
    else if (word.startsWith('-')) pending = takesValue(word, options);
    else if (find(name, program)) positional.push(word);
    else name = name === '' ? word : `${name} ${word}`;
  }
  const command = find(name, program);
  return {
    command,
    options: optionsOf(command),
    positional,
    pending,
    next: command ? [] : nextWords(name, program),
  };
}

function find(name: string, { commands }: ProgramDefinition): CommandDefinition | undefined {
  return commands.find((command) => command.name === name || command.aliases?.includes(name));
}

function optionsOf(command: CommandDefinition | undefined): readonly Option[] {
  return [...(command?.options ?? []), ...globalOptions];
}

function takesValue(word: string, options: readonly Option[]): Option | undefined {
  if (word.includes('=')) return undefined;
  const option = options.find(
    ({ name, short }) => word === flagOf(name) || (short !== undefined && word === `-${short}`),
  );
  return option?.value === undefined ? undefined : option;
}

function flags(options: readonly Option[]): readonly string[] {
  return [...options.map(({ name }) => flagOf(name)), '--help'];
}

function nextWords(name: string, { commands, groups }: ProgramDefinition): readonly string[] {
  const shown = commands.filter(({ hidden }) => !hidden);
  if (name === '')
    return [
      ...groups.map((group) => group.name),
      ...shown.map((command) => command.name).filter((full) => !full.includes(' ')),
    ];
  return shown
    .filter((command) => command.name.startsWith(`${name} `))
    .map((command) => command.name.slice(name.length + 1));
}

function valueOf({ choices, completes }: Option, { command, positional }: Line): Wanted {
  if (choices) return { kind: 'words', words: choices };
  if (completes === undefined) return { kind: 'words', words: [] };
  const names: readonly { readonly name: string }[] = command?.arguments ?? [];
  const given = names.flatMap(({ name }, at) => {
    const value = positional[at];
    return value === undefined ? [] : [[name, value] as const];
  });
  const full = command?.name ?? '';
  return { kind: 'values', of: completes, given: Object.fromEntries(given), command: full };
}
