import type { ProgramDefinition } from './command/definition.js';
import { artifactCommands } from './commands/artifact.js';
import { cacheCommands } from './commands/cache.js';
import { machineCommands } from './commands/machine.js';
import { registryCommands } from './commands/registry.js';
import { signingCommands } from './commands/signing.js';
import { transferCommands } from './commands/transfer.js';
import { packagesProgram } from './packages-program.js';

/** The whole of `ocictl`: a command stands in the table of its group, and is loaded when it runs. */
export const ocictl: ProgramDefinition = {
  ...packagesProgram,
  groups: [
    ...packagesProgram.groups,
    { name: 'cache', section: 'machine', summary: 'the cache directory' },
    { name: 'config', section: 'machine', summary: 'the configuration' },
    { name: 'trust', section: 'artifacts', summary: 'what has to be signed' },
  ],
  commands: [
    ...packagesProgram.commands,
    ...transferCommands,
    ...artifactCommands,
    ...signingCommands,
    ...registryCommands,
    ...cacheCommands,
    ...machineCommands,
  ],
};
