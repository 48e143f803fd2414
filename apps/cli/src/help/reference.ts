import type { Terminal } from '../terminal.js';
import { type CommandDefinition, sections } from '../command/definition.js';
import { createProgram } from '../command/program.js';
import type { ProgramDefinition } from '../command/definition.js';
import { topics } from './topics.js';

/** `docs/ocictl.md`: every command and every topic, from what `--help` is made of. */
export function reference(program: ProgramDefinition, terminal: Terminal): string {
  const chapters = program.commands
    .filter(({ hidden }) => !hidden)
    .map((command) => chapter(command, { program, terminal }));
  const explained = topics.map(
    (topic) => `### ${topic.name}\n\n${block(topic.text({ program, terminal }))}`,
  );
  return `${[
    '# ocictl',
    '<!-- Made from the definitions of the commands by apps/cli/src/help/reference.test.ts. -->',
    program.summary,
    index(program),
    '## Commands',
    ...chapters,
    '## Topics',
    'What `ocictl help TOPIC` prints.',
    ...explained,
  ].join('\n\n')}\n`;
}

function index(program: ProgramDefinition): string {
  const shown = program.commands.filter(({ hidden }) => !hidden);
  const rows = Object.keys(sections).flatMap((section) =>
    shown
      .filter((command) => sectionOf(command, program) === section)
      .map(({ name, summary }) => `| [\`ocictl ${name}\`](#${anchor(name)}) | ${summary} |`),
  );
  return ['| command | does |', '| --- | --- |', ...rows].join('\n');
}

function sectionOf(command: CommandDefinition, { groups }: ProgramDefinition): string | undefined {
  return command.section ?? groups.find(({ name }) => command.name.startsWith(`${name} `))?.section;
}

function chapter(
  definition: CommandDefinition,
  { program, terminal }: { program: ProgramDefinition; terminal: Terminal },
): string {
  let command = createProgram(program, terminal);
  for (const word of definition.name.split(' '))
    command = command.commands.find((child) => child.name() === word) ?? command;
  const { json } = definition;
  return [
    `### ocictl ${definition.name}`,
    block(command.helpInformation().trimEnd()),
    block(definition.examples.join('\n'), 'sh'),
    json && `\`--format json\`: [${json}](json/v1/${json}.schema.json)`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

function anchor(name: string): string {
  return `ocictl-${name.replaceAll(' ', '-')}`;
}

function block(text: string, language = 'text'): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
