import { loadSettings, routeTable } from '@oci/manager/config';

import type { Invocation } from '../command/definition.js';
import { cachedNames } from '../completion/cached-names.js';
import { completionScripts } from '../completion/scripts.js';
import { type Wanted, wanted } from '../completion/words.js';
import { topics } from '../help/topics.js';

export async function showScript(
  { shell }: { readonly shell: string },
  { terminal }: Invocation,
): Promise<void> {
  // The parser has checked that it is one of them.
  terminal.stdout.write(completionScripts[shell as keyof typeof completionScripts]);
}

/** Somebody types: whatever fails, there is only less to choose from. */
export async function complete(
  { words }: { readonly words: readonly string[] },
  { terminal, program }: Invocation,
): Promise<void> {
  const found = wanted(words, program);
  const last = words.at(-1) ?? '';
  const values =
    found.kind === 'words' ? found.words : await valuesOf(found, { terminal, program });
  const lines = values.filter((value) => value.startsWith(last) || value.startsWith(':'));
  if (lines.length > 0) terminal.stdout.write(`${lines.join('\n')}\n`);
}

async function valuesOf(
  found: Extract<Wanted, { kind: 'values' }>,
  { terminal, program }: Pick<Invocation, 'terminal' | 'program'>,
): Promise<readonly string[]> {
  switch (found.of) {
    case 'file':
      return [':files'];
    case 'directory':
      return [':directories'];
    case 'extension-type':
      return ['cluster', 'provider', 'taskserv'];
    case 'topic': {
      const names = program.commands.filter(({ hidden }) => !hidden).map(({ name }) => name);
      return [
        ...topics.map(({ name }) => name),
        ...new Set(names.map((name) => name.split(' ')[0] ?? '')),
      ];
    }
    default:
      return fromCache(found, terminal.env).catch(() => []);
  }
}

async function fromCache(
  found: Extract<Wanted, { kind: 'values' }>,
  env: Invocation['terminal']['env'],
): Promise<readonly string[]> {
  const { values } = await loadSettings({ env });
  const { cache_dir: cacheDir, namespace } = values;
  return cachedNames(found, { cacheDir, namespace, routes: routeTable(values) });
}
