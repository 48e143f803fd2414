import { type CommandDefinition, defineCommand } from '../command/definition.js';

export const cacheCommands: readonly CommandDefinition[] = [
  defineCommand<object>({
    name: 'cache clear',
    summary: 'remove everything that was downloaded',
    examples: ['ocictl cache clear'],
    json: 'cache-clear',
    load: async () => (await import('./cache-clear.js')).clearCache,
  }),
];
