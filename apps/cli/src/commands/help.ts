import { OciError } from '@oci/spec-types';
import type { Command } from 'commander';

import type { Invocation } from '../command/definition.js';
import { createProgram } from '../command/program.js';
import { topics } from '../help/topics.js';

export async function showHelp(
  { topic: words }: { readonly topic: readonly string[] },
  { terminal, program }: Invocation,
): Promise<void> {
  const topic = topics.find(({ name }) => name === words[0]);
  if (words.length === 0 || words[0] === 'topics') {
    terminal.stdout.write(`${listOfTopics()}\n`);
  } else if (topic) {
    terminal.stdout.write(`${topic.text({ program, terminal })}\n`);
  } else {
    const command = find(createProgram(program, terminal), words);
    if (!command) throw unknownTopic(words);
    command.outputHelp();
  }
}

function listOfTopics(): string {
  const width = Math.max(...topics.map(({ name }) => name.length));
  const lines = topics.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `ocictl help TOPIC, or ocictl help COMMAND\n\nTopics:\n${lines.join('\n')}\n\nCommands: ocictl --help`;
}

function find(program: Command, words: readonly string[]): Command | undefined {
  let command: Command | undefined = program;
  for (const word of words) {
    command = command?.commands.find(
      (child) => child.name() === word || child.aliases().includes(word),
    );
  }
  return command;
}

function unknownTopic(words: readonly string[]): OciError {
  return new OciError('USAGE', `there is neither a command nor a topic "${words.join(' ')}"`, {
    hint: 'See: ocictl help topics',
  });
}
