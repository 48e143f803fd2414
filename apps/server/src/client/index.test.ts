import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

import * as client from './index.js';

test('exports these names', () => {
  expect(Object.keys(client).sort()).toEqual(['OciServerError', 'createOciServerClient']);
});

test('needs no package and nothing of Node, and is small', async () => {
  const input = fileURLToPath(new URL('index.ts', import.meta.url));
  const bundle = await rolldown({ input, external: /^[^./]/ });
  const [{ imports, dynamicImports, code }] = (await bundle.generate()).output;
  await bundle.close();
  expect([...imports, ...dynamicImports]).toEqual([]);
  expect(code.length).toBeLessThan(8000);
});
