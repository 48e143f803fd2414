import { OciError } from '@oci/spec-types';

import type { ProgramDefinition } from './command/program-definition.js';

/** What the parser found wrong with a command line, with the nearest right word and where to read on. */
export function usageError(
  message: string,
  { args, program }: { args: readonly string[]; program: ProgramDefinition },
): OciError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n(');
  const help = `See: ${commandLine(args, program)} --help`;
  return new OciError('USAGE', what.replace(/\.$/, ''), {
    hint: suggestion ? `${suggestion.replace(/\)\s*$/, '')} ${help}` : help,
  });
}

/** As much of the command's name as was given. */
function commandLine(args: readonly string[], { commands, groups }: ProgramDefinition): string {
  const known = new Set([...commands, ...groups].map(({ name }) => name));
  const words = args.filter((arg) => !arg.startsWith('-'));
  for (const [at, word] of words.entries()) {
    const two = `${word} ${words[at + 1] ?? ''}`;
    if (known.has(two)) return `ocictl ${two}`;
    if (known.has(word)) return `ocictl ${word}`;
  }
  return 'ocictl';
}
