import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { unsupportedNode } from './node-version.js';

test.each([
  ['18.20.8', 'ocictl needs Node.js 20.20 or newer, this is 18.20.8'],
  ['20.19.5', 'ocictl needs Node.js 20.20 or newer, this is 20.19.5'],
  ['21.7.3', 'ocictl needs Node.js 22.12 or newer, this is 21.7.3'],
  ['22.11.0', 'ocictl needs Node.js 22.12 or newer, this is 22.11.0'],
])('Node.js %s is told that it is too old', (version, text) => {
  expect(unsupportedNode('ocictl', version)).toBe(text);
});

test.each(['20.20.0', '22.12.0', '23.0.0', '24.1.0', process.versions.node])(
  'Node.js %s runs the programs',
  (version) => {
    expect(unsupportedNode('ocictl', version)).toBeUndefined();
  },
);

test('the versions are those of package.json', () => {
  const manifest = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { engines: { node: string } };
  expect(manifest.engines.node).toBe('^20.20.0 || >=22.12.0');
});
