import fc from 'fast-check';
import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { parseKclMod } from './kcl-mod.js';

test('reads what concerns a package', () => {
  const text = `
    [package]
    name = "my-package_1"
    version = "1.2.3"
    edition = "v0.11.2"
    description = "what it is"
    include = ["*.k"]
    exclude = ["test/*"]
    [dependencies]
    k8s = "1.31.2"
    helloworld = { oci = "oci://registry.example/kcl/helloworld", tag = "0.1.4" }
    provisioning = { path = "../../kcl", version = "0.0.1" }
  `;
  expect(parseKclMod(text)).toEqual({
    name: 'my-package_1',
    version: '1.2.3',
    edition: 'v0.11.2',
    description: 'what it is',
    include: ['*.k'],
    exclude: ['test/*'],
    pathDependencies: { provisioning: '../../kcl' },
  });
});

test.each([
  '',
  'not toml',
  '[package]',
  '[package]\nname = "demo"',
  '[package]\nversion = "1"',
  '[package]\nname = "Demo"\nversion = "1"',
  '[package]\nname = "../demo"\nversion = "1"',
  '[package]\nname = 1\nversion = "1"',
  '[package]\nname = "demo"\nversion = ""',
  '[package]\nname = "demo"\nversion = "1"\ninclude = "*.k"',
  '[package]\nname = "demo"\nversion = "1"\nexclude = [1]',
  'package = "demo"',
])('%j is EXTENSION_INVALID', (text) => {
  expect(() => parseKclMod(text)).toThrow(expect.objectContaining({ code: 'EXTENSION_INVALID' }));
});

test('no text breaks it', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseKclMod(text)).toThrow(OciError);
    }),
  );
});
