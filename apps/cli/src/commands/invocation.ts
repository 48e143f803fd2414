import type { Command } from 'commander';

import type { Terminal } from '../terminal.js';

/** The command that runs, with its options, and the terminal it runs at. */
export interface Invocation {
  readonly command: Command;
  readonly terminal: Terminal;
}
