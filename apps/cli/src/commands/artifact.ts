import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { wholeNumber } from '../command/options.js';
import { artifactTypeOption, referenceArgument } from './shared-options.js';

/** Commands that list and read published artifacts, of the configured registry or any other. */
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
  defineCommand<{ repository: string; version?: string }>({
    name: 'exists',
    section: 'packages',
    summary: 'ask the registry whether a version exists: exit 0, or 3 when it does not',
    arguments: [
      {
        name: 'repository',
        description: 'e.g. kcl/provisioning-core; or a reference, with no version behind it',
        completes: 'repository',
      },
      { name: 'version', description: 'as published', optional: true, completes: 'version' },
    ],
    examples: [
      'ocictl exists kcl/provisioning-core 1.0.0',
      'ocictl exists ghcr.io/team/tool:1.2.0',
    ],
    json: 'exists',
    load: async () => (await import('./exists.js')).exists,
  }),
  defineCommand<{ repository: string; version?: string; raw?: boolean }>({
    name: 'manifest',
    section: 'artifacts',
    summary: 'print the manifest of a version, byte for byte with --raw',
    arguments: [
      {
        name: 'repository',
        description: 'e.g. kcl/provisioning-core; or a reference, with no version behind it',
        completes: 'repository',
      },
      { name: 'version', description: 'as published', optional: true, completes: 'version' },
    ],
    options: [{ name: 'raw', description: 'the bytes as published' }],
    examples: [
      'ocictl manifest kcl/provisioning-core 1.0.0',
      'ocictl manifest ghcr.io/team/tool:1.2.0 --raw',
    ],
    json: 'manifest',
    load: async () => (await import('./manifest.js')).manifest,
  }),
  defineCommand<{ repository: string; all?: boolean; limit?: number; pageSize?: number }>({
    name: 'tags',
    section: 'artifacts',
    summary: 'list the tags of a repository, by version',
    arguments: [{ name: 'repository', description: 'host/name, or name', completes: 'repository' }],
    options: [
      { name: 'all', description: 'those that tools keep their own records by, too' },
      {
        name: 'limit',
        value: 'n',
        description: "tags to list, the first in the registry's order; default: all",
        parse: wholeNumber({ from: 1 }),
      },
      {
        name: 'pageSize',
        value: 'n',
        description:
          'tags to ask for at once; default: as many as --limit, else as the registry has it',
        parse: wholeNumber({ from: 1 }),
      },
    ],
    examples: ['ocictl tags kcl/provisioning-core', 'ocictl tags ghcr.io/team/tool'],
    json: 'tags',
    load: async () => (await import('./tags.js')).tags,
  }),
  defineCommand<{ reference: string }>({
    name: 'resolve',
    aliases: ['digest'],
    section: 'artifacts',
    summary: 'ask the registry what a tag points to',
    arguments: [referenceArgument],
    examples: ['ocictl -q resolve kcl/provisioning-core:1.0.0'],
    json: 'resolve',
    load: async () => (await import('./resolve.js')).resolve,
  }),
  defineCommand<{ reference: string; artifactType?: string; limit?: number }>({
    name: 'referrers',
    aliases: ['discover'],
    section: 'artifacts',
    summary: 'draw what refers to an artifact: signatures, SBOMs, attachments',
    arguments: [referenceArgument],
    options: [
      { ...artifactTypeOption, description: 'only those of this type' },
      {
        name: 'limit',
        value: 'n',
        description:
          "referrers to list, the first in the registry's order; default: all, at most 1000",
        parse: wholeNumber({ from: 1 }),
      },
    ],
    examples: ['ocictl referrers kcl/provisioning-core:1.0.0'],
    json: 'referrers',
    load: async () => (await import('./referrers.js')).referrers,
  }),
  defineCommand<{ reference: string; yes?: boolean }>({
    name: 'delete',
    aliases: ['rm'],
    section: 'artifacts',
    summary: 'delete a tag, or by its digest a manifest with all its tags',
    arguments: [{ ...referenceArgument, description: 'host/name:tag or host/name@digest' }],
    options: [{ name: 'yes', short: 'y', description: 'do not ask' }],
    examples: ['ocictl delete localhost:5000/team/tool:1.2.0'],
    json: 'delete',
    load: async () => (await import('./delete.js')).deleteArtifact,
  }),
];
