import type { VendorDirectory } from '@oci/extensions';

import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { forceOption, layerOption, outputOption } from './shared-options.js';

export const kclCommands: readonly CommandDefinition[] = [
  defineCommand<{ name: string; version: string; layer?: string; output?: string }>({
    name: 'kcl pull',
    summary: 'download a KCL package into the cache and print where it is',
    arguments: [
      { name: 'name', description: 'of the package', completes: 'kcl-name' },
      {
        name: 'version',
        description: 'as published, or a range as ^1.2; also NAME:VERSION',
        completes: 'version',
        joins: true,
      },
    ],
    options: [layerOption, outputOption],
    examples: [
      'ocictl kcl pull provisioning-core 1.0.0',
      'ocictl kcl pull provisioning-core 1.0.0 -o core.tar.gz',
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
  defineCommand<object>({
    name: 'kcl list',
    summary: 'list every version of every KCL package',
    examples: ['ocictl kcl list', 'ocictl kcl list --format json'],
    json: 'list',
    load: async () => {
      const { list } = await import('./list.js');
      return (_input, invocation) => list({ namespace: 'kcl' }, invocation);
    },
  }),
  defineCommand<{ dir?: string; layout?: VendorDirectory; frozen?: boolean }>({
    name: 'kcl vendor',
    summary: 'put all that a package needs where kcl finds it, and lock it',
    description:
      'Resolves the dependencies of kcl.mod to one version each, writes kcl.mod.lock with their digests, and unpacks them into vendor/, where "kcl run --vendor" finds them without a network. A dependency that only has a name is looked for at kcl/<name> of the registry, or where KPM_REG and KPM_REPO say.',
    arguments: [
      {
        name: 'dir',
        description: 'the one with kcl.mod; default: this one',
        optional: true,
        completes: 'directory',
      },
    ],
    options: [
      {
        name: 'layout',
        value: 'layout',
        description: 'vendor/ of the package, or a cache of kpm',
        choices: ['vendor', 'cache', 'storage'],
      },
      { name: 'frozen', description: 'take exactly what kcl.mod.lock holds' },
    ],
    examples: ['ocictl kcl vendor ./app', 'ocictl kcl vendor --frozen'],
    json: 'vendor',
    load: async () => (await import('./kcl-vendor.js')).vendorKcl,
  }),
];
