import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { faults } from './check.js';

test('each fault has a line in docs/errors.md, with what it means and what to do', async () => {
  const page = await readFile(new URL('../../../../../docs/errors.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, code, meaning, hint]) => ({ code, meaning, hint }));
  for (const [code, { meaning, hint }] of Object.entries(faults))
    expect(rows).toContainEqual({ code: `\`${code}\``, meaning, hint });
});
