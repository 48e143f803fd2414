import type { Terminal } from '../terminal.js';
import type { GlobalOptions } from './global-options.js';
import type { ProgramDefinition } from './program-definition.js';

/** The options that every command takes, the terminal it runs at, and the program it is part of. */
export interface Invocation {
  readonly options: GlobalOptions;
  readonly terminal: Terminal;
  readonly program: ProgramDefinition;
}
