import { OciError } from '@oci/spec-types';

import { type CommandDefinition, defineCommand } from '../command/definition.js';

function positive(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,9}$/.test(text) && value > 0) return value;
    throw new OciError('USAGE', `--${option} ${text.slice(0, 50)}: it is a whole number above 0`, {
      hint: `Leave --${option} out for the default.`,
    });
  };
}

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
];

const referenceArgument = {
  name: 'reference',
  description: 'host/name:tag or @digest; without a host of the configured registry',
  completes: 'reference',
} as const;

const artifactTypeOption = {
  name: 'artifactType',
  value: 'type',
  description: 'media type that says what it is',
} as const;

const annotationOption = {
  name: 'annotation',
  short: 'a',
  value: 'key=value',
  repeatable: true,
  description: 'annotation of the manifest; may be given again',
} as const;

const filesArgument = {
  name: 'files',
  description: 'PATH or PATH:MEDIA_TYPE; a directory is packed as oras does',
  variadic: true,
  completes: 'file',
} as const;

/** What works on any artifact of any registry, by its reference. */
export const referenceCommands: readonly CommandDefinition[] = [
  defineCommand<{
    reference: string;
    output?: string;
    platform?: string;
    keepOldFiles?: boolean;
  }>({
    name: 'pull',
    section: 'artifacts',
    summary: 'write the files of an artifact into a directory',
    description:
      'A layer goes to the path that its title says, else to its digest with an ending that its media type suggests. A directory that oras packed is unpacked. Run again after an interrupt, it goes on where it ended.',
    arguments: [referenceArgument],
    options: [
      {
        name: 'output',
        short: 'o',
        value: 'dir',
        description: 'directory; - writes the only file to stdout; default: the working directory',
        completes: 'directory',
      },
      {
        name: 'platform',
        value: 'os/arch',
        description: 'of an index; default: that of this machine',
      },
      {
        name: 'keepOldFiles',
        short: 'k',
        description: 'refuse to replace files that have other content',
      },
    ],
    examples: [
      'ocictl pull localhost:5000/team/tool:1.2.0 -o ./tool',
      'ocictl pull team/config:1 -o - | jq .',
    ],
    json: 'pull-files',
    load: async () => (await import('./pull-files.js')).pullArtifact,
  }),
  defineCommand<{
    reference: string;
    files: readonly string[];
    artifactType?: string;
    annotation?: readonly string[];
    force?: boolean;
  }>({
    name: 'push',
    section: 'artifacts',
    summary: 'push files and directories as an artifact',
    description: [
      'A directory becomes one layer, a gzip tar that pull and oras pull unpack.',
      'The same files make the same layer. Symbolic links are kept when they stay',
      'within the directory; others, devices and pipes are refused.',
    ].join(' '),
    arguments: [referenceArgument, filesArgument],
    options: [
      artifactTypeOption,
      annotationOption,
      { name: 'force', description: 'replace a version that is published with other content' },
    ],
    examples: [
      'ocictl push localhost:5000/team/tool:1.2.0 tool.tar.gz:application/gzip README.md',
      'ocictl push localhost:5000/team/docs:1.2.0 site',
      'ocictl push team/tool:1.2.0 tool.json --artifact-type application/vnd.team.tool.v1',
    ],
    json: 'push-files',
    load: async () => (await import('./push-files.js')).pushArtifact,
  }),
  defineCommand<{
    reference: string;
    files: readonly string[];
    artifactType?: string;
    annotation?: readonly string[];
  }>({
    name: 'attach',
    section: 'artifacts',
    summary: 'attach files and directories to an artifact, as its referrer',
    arguments: [referenceArgument, { ...filesArgument, optional: true }],
    options: [artifactTypeOption, annotationOption],
    examples: [
      'ocictl attach localhost:5000/team/tool:1.2.0 sbom.json:application/spdx+json --artifact-type application/spdx+json',
    ],
    json: 'push-files',
    load: async () => (await import('./push-files.js')).attachToArtifact,
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
        parse: positive('limit'),
      },
      {
        name: 'pageSize',
        value: 'n',
        description:
          'tags to ask for at once; default: as many as --limit, else as the registry has it',
        parse: positive('page-size'),
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
        parse: positive('limit'),
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
  defineCommand<{
    source: string;
    target: string;
    platform?: readonly string[];
    referrers?: boolean;
    verify?: boolean;
    foreignLayers?: boolean;
  }>({
    name: 'copy',
    aliases: ['cp'],
    section: 'artifacts',
    summary: 'copy an artifact between registries, directories and archives',
    description:
      'SOURCE and TARGET are references, or oci:DIR[:TAG] for an OCI image layout, oci-archive:FILE[:TAG] for a tar of one. No byte of a manifest changes, and what is there already is not moved again.',
    arguments: [
      { name: 'source', description: 'what to copy', completes: 'reference' },
      { name: 'target', description: 'where to; without a tag it keeps that of the source' },
    ],
    options: [
      {
        name: 'platform',
        value: 'os/arch',
        repeatable: true,
        description: 'of an index only this; given again, these',
      },
      {
        name: 'referrers',
        short: 'r',
        description: 'signatures, SBOMs and whatever else refers to it, too',
      },
      {
        name: 'verify',
        description: 'read what a target on disk has, and bring anew what is damaged',
      },
      {
        name: 'foreignLayers',
        description: 'layers whose media type forbids to distribute them, too',
      },
    ],
    examples: [
      'ocictl copy ghcr.io/team/tool:1.2.0 localhost:5000/team/tool --referrers',
      'ocictl copy kcl/provisioning-core:1.0.0 oci:./layout:1.0.0',
      'ocictl copy oci-archive:bundle.tar:1.0.0 registry.example/team/tool',
    ],
    json: 'copy',
    load: async () => (await import('./copy.js')).copyArtifact,
  }),
];
