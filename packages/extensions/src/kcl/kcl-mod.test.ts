import fc from 'fast-check';
import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { leavesPackage } from './kcl-dependency.js';
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
    dependencies: [
      { kind: 'oci', name: 'k8s', package: 'k8s', version: '1.31.2' },
      {
        kind: 'oci',
        name: 'helloworld',
        package: 'helloworld',
        registry: 'registry.example',
        repository: 'kcl/helloworld',
        version: '0.1.4',
      },
      { kind: 'path', name: 'provisioning', path: '../../kcl' },
    ],
  });
});

test.each<[string, object]>([
  ['{ repo = "org/pkg", tag = "0.1.0" }', { repository: 'org/pkg', version: '0.1.0' }],
  [
    '{ repo = "org/pkg", reg = "localhost:5000", tag = "0.1.0" }',
    { registry: 'localhost:5000', repository: 'org/pkg' },
  ],
  ['{ package = "k8s", version = "1.31" }', { package: 'k8s', version: '1.31' }],
  [
    `{ oci = "oci://h.example/a", tag = "1.0.0", digest = "sha256:${'a'.repeat(64)}" }`,
    { registry: 'h.example', repository: 'a', digest: `sha256:${'a'.repeat(64)}` },
  ],
  ['{ oci = "oci://h.example/a" }', { version: undefined }],
  ['{ git = "https://h.example/a.git", tag = "v1" }', { kind: 'git' }],
  ['{ path = "../a", version = "0.0.1" }', { kind: 'path', path: '../a' }],
])('reads the dependency %s', (value, expected) => {
  const mod = parseKclMod(`[package]\nname="demo"\nversion="1"\n[dependencies]\nlib = ${value}\n`);
  expect(mod.dependencies).toEqual([expect.objectContaining({ name: 'lib', ...expected })]);
});

test.each([
  'lib = 1',
  'lib = { oci = "https://h.example/a", tag = "1" }',
  'lib = { oci = "oci://h.example/../a", tag = "1" }',
  'lib = { oci = "oci://h.example/A", tag = "1" }',
  'lib = { oci = "oci://user:secret@h.example/a", tag = "1" }',
  'lib = { repo = "../a" }',
  'lib = { tag = "1", digest = "sha256:0" }',
  '"../lib" = "1"',
])('the dependency %j is EXTENSION_INVALID', (line) => {
  const text = `[package]\nname="demo"\nversion="1"\n[dependencies]\n${line}\n`;
  expect(() => parseKclMod(text)).toThrow(
    expect.objectContaining({ code: 'EXTENSION_INVALID', hint: expect.any(String) }),
  );
});

test.each([
  ['../lib', 'kcl.mod', true],
  ['../lib', 'kcl/kcl.mod', false],
  ['../../lib', 'kcl/kcl.mod', true],
  ['./a/../b', 'kcl.mod', false],
  ['a/../../b', 'kcl.mod', true],
  ['/lib', 'kcl.mod', true],
  ['C:/lib', 'kcl.mod', true],
  ['..\\lib', 'kcl.mod', true],
])('the path %j in %s leaves the package: %s', (path, modFile, leaves) => {
  expect(leavesPackage({ kind: 'path', name: 'lib', path }, modFile)).toBe(leaves);
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
