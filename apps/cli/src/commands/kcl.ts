import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { forceOption, layerOption } from './package-options.js';

export const kclCommands: readonly CommandDefinition[] = [
  defineCommand<{ name: string; version: string; layer?: string }>({
    name: 'kcl pull',
    summary: 'download a KCL package into the cache and print where it is',
    arguments: [
      { name: 'name', description: 'of the package', completes: 'kcl-name' },
      { name: 'version', description: 'as published', completes: 'version' },
    ],
    options: [layerOption],
    examples: [
      'ocictl kcl pull provisioning-core 1.0.0',
      'tar -xzf "$(ocictl -q kcl pull provisioning-core 1.0.0)"',
    ],
    json: 'pull',
    load: async () => (await import('./pull.js')).pullKcl,
  }),
  defineCommand<{ dir: string; force?: boolean }>({
    name: 'kcl push',
    summary: 'pack a directory with a kcl.mod and push it as kpm does',
    arguments: [{ name: 'dir', description: 'the one with kcl.mod', completes: 'directory' }],
    options: [forceOption],
    examples: ['ocictl kcl push ./provisioning-core'],
    json: 'push',
    load: async () => (await import('./push.js')).pushKcl,
  }),
];
