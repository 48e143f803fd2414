import manifest from '../package.json' with { type: 'json' };
import type { ProgramDefinition } from './command/definition.js';
import { extensionCommands } from './commands/extension.js';
import { kclCommands } from './commands/kcl.js';

/** The part of `ocictl` for packages: a pull out of the cache reads no table of commands but these. */
export const packagesProgram: ProgramDefinition = {
  version: manifest.version,
  summary: 'Pull, list and install KCL packages and platform extensions from OCI registries.',
  groups: [
    { name: 'kcl', section: 'packages', summary: 'KCL packages' },
    {
      name: 'extension',
      section: 'packages',
      summary: 'extensions of the platform: providers, taskservs, clusters',
    },
  ],
  commands: [...kclCommands, ...extensionCommands],
  examples: ['ocictl kcl pull provisioning-core 1.0.0', 'ocictl list kcl --format json'],
};
