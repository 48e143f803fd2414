import type { OptionDefinition } from '../command/definition.js';

export const layerOption: OptionDefinition<'layer'> = {
  name: 'layer',
  value: 'layer',
  description: 'digest, title or media type, when there are several archives',
};

export const forceOption: OptionDefinition<'force'> = {
  name: 'force',
  description: 'replace the version when it is already published',
};
