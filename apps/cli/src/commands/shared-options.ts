import { OciError, isMediaType } from '@oci/spec-types';

import type { ArgumentDefinition, OptionDefinition } from '../command/options.js';

export const referenceArgument: ArgumentDefinition<'reference'> = {
  name: 'reference',
  description: 'host/name:tag or @digest; without a host of the configured registry',
  completes: 'reference',
};

export const artifactTypeOption: OptionDefinition<'artifactType'> = {
  name: 'artifactType',
  value: 'type',
  description: 'media type that says what it is',
  parse: mediaTypeOf,
};

function mediaTypeOf(text: string, flag: string): string {
  const shown = JSON.stringify(text.slice(0, 100));
  if (isMediaType(text)) return text;
  throw new OciError('USAGE', `${flag} ${shown}: it is a media type`, {
    hint: 'A media type looks like application/vnd.team.tool.v1.',
  });
}

export const layerOption: OptionDefinition<'layer'> = {
  name: 'layer',
  value: 'layer',
  description: 'digest, title or media type, when there are several archives',
};

export const outputOption: OptionDefinition<'output'> = {
  name: 'output',
  short: 'o',
  value: 'file',
  description: 'put the gzip tar there, also when the cache cannot be written; - is stdout',
  completes: 'file',
};

export const forceOption: OptionDefinition<'force'> = {
  name: 'force',
  description: 'replace the version when it is already published',
};

export const installDirOption: OptionDefinition<'installDir'> = {
  name: 'installDir',
  value: 'dir',
  description: 'where extensions are installed (also OCI_INSTALL_DIR)',
  completes: 'directory',
};

export const profilesOption: OptionDefinition<'profiles'> = {
  name: 'profiles',
  value: 'file',
  description: 'TOML file with profiles of your own, tried first',
  completes: 'file',
};

export const validationOptions: readonly OptionDefinition<'profiles' | 'runtime'>[] = [
  profilesOption,
  {
    name: 'runtime',
    value: 'key=version',
    description: 'what it runs with, e.g. kcl_version=0.11.2',
    repeatable: true,
  },
];
