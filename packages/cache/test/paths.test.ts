import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Not of the cache's format: the directories of any object store in files. */
const others = new Set([
  'packages/cache/src/cache-format.ts',
  'packages/cache/src/store/file-object-store.ts',
]);

const names = 'blobs|refs|records|referrers|quarantine|partial|state|\\.tmp|\\.locks';
const file = 'index\\.json|oci-layout|view\\.json|package\\.tar\\.gz|artifact\\.tar\\.gz';
/** Text that begins with a directory of the format, or is, or ends with, one of its files. */
const path = new RegExp(
  `['"\`/](?:(?:${names})/|(?:${file})['"\`])|join\\([^)]*['"\`](?:${names})['"\`]`,
);

const isImport = /\bfrom '|import\(/;

async function sourcesOf(directory: string): Promise<readonly string[]> {
  const found = await readdir(`${root}${directory}`, { recursive: true });
  return found
    .map((name) => `${directory}/${name.replaceAll('\\', '/')}`)
    .filter((name) => /(?<!\.test)\.ts$/.test(name) && !others.has(name));
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/ .*/g, '');
}

test('paths of the disk format are in cache-format.ts only', async () => {
  const sources = [
    ...(await sourcesOf('packages/cache/src')),
    ...(await sourcesOf('packages/manager/src')),
  ];
  expect(sources.length).toBeGreaterThan(80);
  const offenders: string[] = [];
  for (const name of sources) {
    const lines = withoutComments(await readFile(`${root}${name}`, 'utf8')).split('\n');
    for (const line of lines)
      if (path.test(line) && !isImport.test(line)) offenders.push(`${name}: ${line.trim()}`);
  }
  expect(offenders).toEqual([]);
});

test.each([
  "join(dir, 'state')",
  "store.list('blobs/')",
  '`partial/${digest}`',
  "'index.json'",
  '`${folder}/view.json`',
])('such a path is found: %s', (line) => {
  expect(line).toMatch(path);
});
