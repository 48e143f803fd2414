import { OciError } from '@oci/spec-types';

import type { ProgramDefinition } from './command/definition.js';
import { commandWords } from './command/global-options.js';

/** What other tools call it (docs/coming-from-other-tools.md). */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['artifact', 'ocictl pull, push, attach'],
  ['auth', 'ocictl login'],
  ['backup', 'ocictl copy REFERENCE oci-archive:FILE'],
  ['catalog', 'ocictl list NAMESPACE'],
  ['image', 'ocictl copy, manifest, resolve'],
  ['inspect', 'ocictl manifest REFERENCE'],
  ['install', 'ocictl extension install TYPE NAME VERSION'],
  ['list-tags', 'ocictl tags REPOSITORY'],
  ['repo', 'ocictl tags REPOSITORY'],
  ['restore', 'ocictl copy oci-archive:FILE REFERENCE'],
  ['sync', 'ocictl copy SOURCE TARGET'],
  ['tag', 'ocictl copy REFERENCE NAME:TAG'],
  ['version', 'ocictl --version'],
]);

/** What the parser found wrong with a command line, with the nearest right word and where to read on. */
export function usageError(
  message: string,
  { args, program }: { args: readonly string[]; program: ProgramDefinition },
): OciError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n(');
  const unknown = /^unknown command '([^']*)'/.exec(what)?.[1] ?? '';
  // Behind an unknown word nothing is a command: in "cach list" it is not "list" that is meant.
  const at = args.indexOf(unknown);
  const help = `See: ${commandLine(at < 0 ? args : args.slice(0, at), program)} --help`;
  const known = elsewhere.get(unknown);
  const hint = known ? `Here it is: ${known}.` : suggestion?.replace(/\)\s*$/, '');
  return new OciError('USAGE', what.replace(/\.$/, ''), {
    hint: hint ? `${hint} ${help}` : help,
  });
}

/** As much of the command's name as was given. */
function commandLine(args: readonly string[], { commands, groups }: ProgramDefinition): string {
  const names = commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const known = new Set([...names, ...groups.map(({ name }) => name)]);
  const [first = '', second = ''] = commandWords(args);
  const name = [`${first} ${second}`, first].find((words) => known.has(words));
  return name === undefined ? 'ocictl' : `ocictl ${name}`;
}
