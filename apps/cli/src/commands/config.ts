import { type CommandDefinition, defineCommand } from '../command/definition.js';

export const configCommands: readonly CommandDefinition[] = [
  defineCommand<object>({
    name: 'config show',
    summary: 'print every value and where it comes from',
    examples: ['ocictl config show', 'ocictl config show --format json'],
    json: 'config-show',
    load: async () => (await import('./config-show.js')).showConfig,
  }),
];
