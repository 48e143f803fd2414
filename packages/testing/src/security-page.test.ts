import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

const page = new URL('../../../docs/security.md', import.meta.url);
const text = await readFile(page, 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('](../'))
  .map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
  // A bound has four cells, and none of them is a number of an advisory.
  .map(([seen = '', rule = '', ...more]) => ({
    seen: more.length > 1 ? 'no number' : seen,
    rule: more.length > 1 ? `${seen}: ${rule}` : rule,
    tests: more.at(-1) ?? '',
  }));

test('the page has rows to check', () => {
  expect(rows.length).toBeGreaterThan(30);
});

test.each(rows)('$seen: $rule', async ({ seen, tests }) => {
  const paths = [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
  const files = await Promise.all(paths.map((path) => readFile(new URL(path, page), 'utf8')));
  expect(files.length).toBeGreaterThan(0);
  const all = files.join('\n');
  for (const name of seen === 'no number' ? [] : seen.split(', ')) expect(all).toContain(name);
});
