import { type CommandDefinition, defineCommand } from '../command/definition.js';
import type { ArgumentDefinition } from '../command/options.js';
import {
  forceOption,
  installDirOption,
  layerOption,
  outputOption,
  profilesOption,
  validationOptions,
} from './shared-options.js';

const typeArgument: ArgumentDefinition<'type'> = {
  name: 'type',
  description: 'provider, taskserv or cluster',
  completes: 'extension-type',
};

const nameArgument: ArgumentDefinition<'name'> = {
  name: 'name',
  description: 'of the extension',
  completes: 'extension-name',
};

const artifactArguments: readonly ArgumentDefinition<'type' | 'name' | 'version'>[] = [
  typeArgument,
  nameArgument,
  {
    name: 'version',
    description: 'as published, or a range as ^1.28; also NAME:VERSION',
    completes: 'version',
    joins: true,
  },
];

interface Artifact {
  readonly type: string;
  readonly name: string;
  readonly version: string;
}

interface InstallInput {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly installDir?: string;
  readonly lock?: string;
  readonly frozen?: boolean;
  readonly profiles?: string;
  readonly runtime?: readonly string[];
}

export const extensionCommands: readonly CommandDefinition[] = [
  defineCommand<Artifact & { layer?: string; output?: string }>({
    name: 'extension pull',
    summary: 'download an extension into the cache and print where it is',
    arguments: artifactArguments,
    options: [layerOption, outputOption],
    examples: [
      'ocictl extension pull taskserv kubernetes 1.28.0',
      'ocictl extension pull taskserv kubernetes 1.28.0 -o - | tar -tz',
    ],
    json: 'pull',
    load: async () => (await import('./pull.js')).pullExtension,
  }),
  defineCommand<InstallInput>({
    name: 'extension install',
    summary: 'download, unpack, validate and install an extension and what it needs',
    description:
      'The registry is asked whether a cached version was published again; without an answer, or with --lock, the cached one counts. Versions are kept beside each other; the new one is put into use in one step, and the one before is kept for a rollback. PROVISIONING_EXTENSION_MODE, PROVISIONING_ALLOWED_EXTENSIONS and PROVISIONING_BLOCKED_EXTENSIONS say what may be installed. Nothing of the extension is run.',
    arguments: [
      typeArgument,
      nameArgument,
      {
        name: 'version',
        description: 'or a range as ^1.28; default: the newest',
        optional: true,
        completes: 'version',
        joins: true,
      },
    ],
    options: [
      installDirOption,
      {
        name: 'lock',
        value: 'file',
        description: 'file that keeps all versions and digests',
        completes: 'file',
      },
      { name: 'frozen', description: 'install exactly what the lock file has' },
      ...validationOptions,
    ],
    examples: [
      'ocictl extension install taskserv kubernetes 1.28.0 --install-dir ./extensions',
      'ocictl extension install taskserv kubernetes "^1.28" --lock extensions.lock',
    ],
    json: 'install',
    load: async () => (await import('./install.js')).install,
  }),
  defineCommand<{ type: string; name: string; version?: string; installDir?: string }>({
    name: 'extension rollback',
    summary: 'put the version into use that was before',
    arguments: [
      typeArgument,
      nameArgument,
      {
        name: 'version',
        description: 'another one that is in place',
        optional: true,
        completes: 'version',
        joins: true,
      },
    ],
    options: [installDirOption],
    examples: ['ocictl extension rollback taskserv kubernetes'],
    json: 'rollback',
    load: async () => (await import('./extension-rollback.js')).rollback,
  }),
  defineCommand<{
    type: string;
    name: string;
    version?: string;
    installDir?: string;
    force?: boolean;
  }>({
    name: 'extension uninstall',
    summary: 'remove an installed extension, or one version that is not in use',
    arguments: [
      typeArgument,
      nameArgument,
      {
        name: 'version',
        description: 'default: all of them',
        optional: true,
        completes: 'version',
        joins: true,
      },
    ],
    options: [
      installDirOption,
      { name: 'force', description: 'also when other extensions need it' },
    ],
    examples: ['ocictl extension uninstall taskserv kubernetes'],
    json: 'uninstall',
    load: async () => (await import('./extension-uninstall.js')).uninstall,
  }),
  defineCommand<{ installDir?: string; outdated?: boolean; tree?: boolean }>({
    name: 'extension list',
    aliases: ['extension ls'],
    summary: 'list what is installed, with its sources and digests',
    options: [
      installDirOption,
      {
        name: 'outdated',
        description: 'ask for newer versions, and for other content of those in use',
      },
      { name: 'tree', description: 'draw all versions, and what needs what' },
    ],
    examples: [
      'ocictl extension list --outdated',
      'ocictl extension list --tree',
      'ocictl extension list --format json',
    ],
    json: 'installed',
    load: async () => (await import('./extension-list.js')).listExtensions,
  }),
  defineCommand<
    { path: string; type?: string; strict?: boolean } & { profiles?: string; runtime?: string[] }
  >({
    name: 'extension validate',
    summary: 'say all that is wrong with an extension: exit 0, or 1 when it is not valid',
    arguments: [{ name: 'path', description: 'its directory or archive', completes: 'directory' }],
    options: [
      { name: 'type', value: 'type', description: 'provider, taskserv or cluster' },
      { name: 'strict', description: 'warnings count as errors' },
      ...validationOptions,
    ],
    examples: ['ocictl extension validate ./kubernetes --type taskserv'],
    json: 'validate',
    load: async () => (await import('./extension-validate.js')).validate,
  }),
  defineCommand<{ type: string; dir: string; force?: boolean; profiles?: string }>({
    name: 'extension push',
    summary: 'pack an extension directory and push it',
    arguments: [
      typeArgument,
      { name: 'dir', description: 'the one with extension.toml', completes: 'directory' },
    ],
    options: [forceOption, profilesOption],
    examples: ['ocictl extension push taskserv ./kubernetes'],
    json: 'push',
    load: async () => (await import('./push.js')).pushExtension,
  }),
];
