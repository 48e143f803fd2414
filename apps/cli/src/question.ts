import { createInterface } from 'node:readline/promises';

import type { Terminal } from './terminal.js';

/** Asks a person; false where nobody can answer. */
export async function confirmed(
  question: string,
  { stdin, stderr, signal }: Terminal,
): Promise<boolean | undefined> {
  if (!('isTTY' in stdin) || stdin.isTTY !== true) return undefined;
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return /^y(?:es)?$/i.test((await lines.question(`${question} [y/N] `, { signal })).trim());
  } finally {
    lines.close();
  }
}
