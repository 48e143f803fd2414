import type { CommandDefinition, CommandGroup } from './definition.js';

/** All that `ocictl` is made of. */
export interface ProgramDefinition {
  readonly version: string;
  readonly summary: string;
  readonly groups: readonly CommandGroup[];
  readonly commands: readonly CommandDefinition[];
  readonly examples: readonly string[];
}
