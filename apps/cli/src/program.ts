import manifest from '../package.json' with { type: 'json' };
import type { ProgramDefinition } from './command/definition.js';
import { artifactCommands, referenceCommands } from './commands/artifact.js';
import { cacheCommands } from './commands/cache.js';
import { extensionCommands } from './commands/extension.js';
import { kclCommands } from './commands/kcl.js';
import { machineCommands } from './commands/machine.js';
import { signingCommands } from './commands/signing.js';
import { registryCommands } from './commands/registry.js';

/** The whole of `ocictl`: a command stands in the file of its group, and is loaded when it runs. */
export const ocictl: ProgramDefinition = {
  version: manifest.version,
  summary: 'Pull, list and install KCL packages and platform extensions from OCI registries.',
  groups: [
    { name: 'kcl', section: 'packages', summary: 'KCL packages' },
    {
      name: 'extension',
      section: 'packages',
      summary: 'extensions of the platform: providers, taskservs, clusters',
    },
    { name: 'cache', section: 'machine', summary: 'the cache directory' },
    { name: 'config', section: 'machine', summary: 'the configuration' },
  ],
  commands: [
    ...kclCommands,
    ...extensionCommands,
    ...artifactCommands,
    ...referenceCommands,
    ...signingCommands,
    ...registryCommands,
    ...cacheCommands,
    ...machineCommands,
  ],
  examples: ['ocictl kcl pull provisioning-core 1.0.0', 'ocictl list kcl --format json'],
};
