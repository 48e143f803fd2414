import { PassThrough } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { createProgram } from './command/program.js';
import { ocictl } from './program.js';
import type { Terminal } from './terminal.js';
import { TextStream } from './terminal.js';
import { usageError } from './usage-error.js';

const terminal: Terminal = {
  stdin: new PassThrough(),
  stdout: new TextStream(new PassThrough()),
  stderr: new TextStream(new PassThrough()),
  env: {},
  signal: new AbortController().signal,
};

describe('the commands', () => {
  it('have names of their own, of which each group is one', () => {
    const names = ocictl.commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(names).toEqual([...new Set(names)]);
    const groups = new Set(ocictl.groups.map(({ name }) => name));
    for (const name of names.filter((name) => name.includes(' ')))
      expect(groups).toContain(name.split(' ')[0]);
  });

  it.each(ocictl.commands)('$name can be loaded, and shows how it is used', async (command) => {
    expect(await command.load()).toBeTypeOf('function');
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) expect(example).toContain(`ocictl`);
  });

  it.each(ocictl.commands)('$name is understood as its examples write it', ({ name, examples }) => {
    const program = createProgram(ocictl, terminal);
    let command = program;
    for (const word of name.split(' '))
      command = command.commands.find((child) => child.name() === word) ?? command;
    const first = (examples[0] ?? '').split(' ').slice(1);
    const words = first.slice(first.indexOf(name.split(' ').at(-1) ?? '') + 1);
    const { unknown } = command.parseOptions(words.map((word) => word.replaceAll(/^"|"$/g, '')));
    expect(unknown).toEqual([]);
  });

  it('are known by their aliases', () => {
    const program = createProgram(ocictl, terminal);
    for (const { aliases = [] } of ocictl.commands)
      for (const alias of aliases) {
        const words = alias.split(' ');
        const group =
          words.length === 1 ? program : program.commands.find((one) => one.name() === words[0]);
        const command = group?.commands.find((one) => one.aliases().includes(words.at(-1) ?? ''));
        expect(command?.name()).toBeDefined();
      }
  });

  it('have help that fits 80 columns', () => {
    const texts = [createProgram(ocictl, terminal)].flatMap((root) => [
      root.helpInformation(),
      ...root.commands.flatMap((group) => [
        group.helpInformation(),
        ...group.commands.map((command) => command.helpInformation()),
      ]),
    ]);
    for (const line of texts.join('\n').split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('the help of the whole', () => {
  it('names every command before the options', () => {
    const headings = createProgram(ocictl, terminal)
      .helpInformation()
      .match(/^[A-Z][a-z ]+:$/gm);
    expect(headings).toEqual([
      'Packages and extensions:',
      'Any artifact:',
      'Registries:',
      'This machine:',
      'Options:',
    ]);
  });
});

describe('a usage error', () => {
  it('names the help of what was understood before the unknown word', () => {
    const hintOf = (unknown: string, ...args: readonly string[]) =>
      usageError(`error: unknown command '${unknown}'`, { args, program: ocictl }).hint;
    expect(hintOf('cach', 'cach', 'list')).toBe('See: ocictl --help');
    expect(hintOf('lists', 'cache', 'lists')).toBe('See: ocictl cache --help');
  });

  it('names the nearest word and the help of as much of the command as was given', () => {
    const error = usageError("error: unknown option '--lyer'\n(Did you mean --layer?)", {
      args: ['-q', 'kcl', 'pull', 'core', '--lyer', 'x'],
      program: ocictl,
    });
    expect(error).toMatchObject({
      code: 'USAGE',
      message: "unknown option '--lyer'",
      hint: 'Did you mean --layer? See: ocictl kcl pull --help',
    });
  });

  it.each([
    [['--registry', 'kcl', 'tags'], 'ocictl tags'],
    [['ls', '--lyer'], 'ocictl ls'],
    [['extension', 'ls', '--lyer'], 'ocictl extension ls'],
    [['copy', 'kcl'], 'ocictl copy'],
  ])('of %j points to the help of %s', (args, command) => {
    const error = usageError("error: unknown option '--lyer'", { args, program: ocictl });
    expect(error.hint).toBe(`See: ${command} --help`);
  });

  it('knows what other tools call it', () => {
    const program = ocictl;
    expect(
      usageError("error: unknown command 'inspect'", { args: ['inspect'], program }).hint,
    ).toBe('Here it is: ocictl manifest REFERENCE. See: ocictl --help');
  });
});
