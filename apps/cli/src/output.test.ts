import { PassThrough } from 'node:stream';

import { expect, it } from 'vitest';

import { Output } from './output.js';
import { TextStream } from './terminal.js';

const hostile = 'a\nok\u001b]0;title\u0007\u009b31m\u202e\u061c\u2028';

const shown = 'a ok\\u001b]0;title\\u0007\\u009b31m\\u202e\\u061c\\u2028';

it.each([
  ['text', { format: 'text' }, shown],
  ['brief text', { format: 'text', quiet: true }, shown],
  ['JSON', { format: 'json' }, `{"name":"${shown.replace(' ', '\\n')}"}`],
] as const)('a name with hidden characters is one line of %s, escaped', (_, options, line) => {
  const stdout = new PassThrough();
  const output = new Output({ stdout: new TextStream(stdout), env: {} }, options);
  output.print({ json: { name: hostile }, text: [hostile], brief: [hostile] });
  expect(String(stdout.read())).toBe(`${line}\n`);
});
