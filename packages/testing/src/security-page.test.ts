import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

const page = new URL('../../../docs/security.md', import.meta.url);
const text = await readFile(page, 'utf8');
const rows = text
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('](../'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, seen = '', rule = '', tests = '']) => ({ seen, rule, tests }));

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
