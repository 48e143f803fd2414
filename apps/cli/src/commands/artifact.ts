import { type CommandDefinition, defineCommand } from '../command/definition.js';

export const artifactCommands: readonly CommandDefinition[] = [
  defineCommand<{ namespace?: string }>({
    name: 'list',
    aliases: ['ls'],
    section: 'packages',
    summary: 'list every version of every artifact of a namespace',
    arguments: [
      {
        name: 'namespace',
        description: 'default: that of extensions',
        optional: true,
        completes: 'namespace',
      },
    ],
    examples: ['ocictl list kcl', 'ocictl list --format json'],
    json: 'list',
    load: async () => (await import('./list.js')).list,
  }),
  defineCommand<{ repository: string; version: string }>({
    name: 'exists',
    section: 'packages',
    summary: 'ask the registry whether a version exists: exit 0, or 3 when it does not',
    arguments: [
      { name: 'repository', description: 'e.g. kcl/provisioning-core', completes: 'repository' },
      { name: 'version', description: 'as published', completes: 'version' },
    ],
    examples: ['ocictl exists kcl/provisioning-core 1.0.0'],
    json: 'exists',
    load: async () => (await import('./exists.js')).exists,
  }),
  defineCommand<{ repository: string; version: string; raw?: boolean }>({
    name: 'manifest',
    section: 'packages',
    summary: 'print the manifest of a version, byte for byte with --raw',
    arguments: [
      { name: 'repository', description: 'e.g. kcl/provisioning-core', completes: 'repository' },
      { name: 'version', description: 'as published', completes: 'version' },
    ],
    options: [{ name: 'raw', description: 'the bytes as published' }],
    examples: ['ocictl manifest kcl/provisioning-core 1.0.0'],
    json: 'manifest',
    load: async () => (await import('./manifest.js')).manifest,
  }),
];
