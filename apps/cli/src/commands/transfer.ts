import { type CommandDefinition, defineCommand } from '../command/definition.js';
import { artifactTypeOption, referenceArgument } from './shared-options.js';

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

/** What moves an artifact, by its reference: between registries, and to and from files. */
export const transferCommands: readonly CommandDefinition[] = [
  defineCommand<{
    reference: string;
    output?: string;
    platform?: string;
    keepOldFiles?: boolean;
    cache?: boolean;
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
      {
        name: 'cache',
        description:
          'take content through the cache: processes that pull the same download it once, and --offline works later',
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
  defineCommand<{
    source: string;
    target: string;
    platform?: readonly string[];
    referrers?: boolean;
    verify?: boolean;
    foreignLayers?: boolean;
    allTags?: boolean;
    tags?: readonly string[];
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
      {
        name: 'allTags',
        description: 'every tag of the repository; those that the target has stay as they are',
      },
      {
        name: 'tags',
        value: 'pattern',
        repeatable: true,
        description: 'of all tags only these, e.g. "1.*"; may be given again',
      },
    ],
    examples: [
      'ocictl copy ghcr.io/team/tool:1.2.0 localhost:5000/team/tool --referrers',
      'ocictl copy kcl/provisioning-core:1.0.0 oci:./layout:1.0.0',
      'ocictl copy oci-archive:bundle.tar:1.0.0 registry.example/team/tool',
      'ocictl copy ghcr.io/team/tool localhost:5000/team/tool --all-tags --referrers',
    ],
    json: 'copy',
    load: async () => (await import('./copy.js')).copyArtifact,
  }),
];
