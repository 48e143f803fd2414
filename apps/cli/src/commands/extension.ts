import type { ArgumentDefinition, CommandDefinition } from '../command/definition.js';
import { defineCommand } from '../command/definition.js';
import { forceOption, layerOption } from './package-options.js';

const typeArgument: ArgumentDefinition<'type'> = {
  name: 'type',
  description: 'provider, taskserv or cluster',
  completes: 'extension-type',
};

const artifactArguments: readonly ArgumentDefinition<'type' | 'name' | 'version'>[] = [
  typeArgument,
  { name: 'name', description: 'of the extension', completes: 'extension-name' },
  { name: 'version', description: 'as published', completes: 'version' },
];

interface Artifact {
  readonly type: string;
  readonly name: string;
  readonly version: string;
}

export const extensionCommands: readonly CommandDefinition[] = [
  defineCommand<Artifact & { layer?: string }>({
    name: 'extension pull',
    summary: 'download an extension into the cache and print where it is',
    arguments: artifactArguments,
    options: [layerOption],
    examples: ['ocictl extension pull taskserv kubernetes 1.28.0'],
    json: 'pull',
    load: async () => (await import('./pull.js')).pullExtension,
  }),
  defineCommand<Artifact & { installDir?: string }>({
    name: 'extension install',
    summary: 'download, unpack, validate and install an extension',
    arguments: artifactArguments,
    options: [
      {
        name: 'installDir',
        value: 'dir',
        description: 'where extensions are installed (also OCI_INSTALL_DIR)',
        completes: 'directory',
      },
    ],
    examples: ['ocictl extension install taskserv kubernetes 1.28.0 --install-dir ./extensions'],
    json: 'install',
    load: async () => (await import('./install.js')).install,
  }),
  defineCommand<{ type: string; dir: string; force?: boolean }>({
    name: 'extension push',
    summary: 'pack an extension directory and push it',
    arguments: [
      typeArgument,
      { name: 'dir', description: 'the one with extension.toml', completes: 'directory' },
    ],
    options: [forceOption],
    examples: ['ocictl extension push taskserv ./kubernetes'],
    json: 'push',
    load: async () => (await import('./push.js')).pushExtension,
  }),
];
