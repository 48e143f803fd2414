import { type CommandDefinition, defineCommand } from '../command/definition.js';

export const helpCommands: readonly CommandDefinition[] = [
  defineCommand<{ topic: readonly string[] }>({
    name: 'help',
    section: 'machine',
    summary: 'explain a command or a topic; without one, list them',
    arguments: [
      {
        name: 'topic',
        description: 'a command or a topic',
        optional: true,
        variadic: true,
        completes: 'topic',
      },
    ],
    examples: ['ocictl help exit-codes', 'ocictl help kcl pull'],
    load: async () => (await import('./help-show.js')).showHelp,
  }),
];
