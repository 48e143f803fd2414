import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type TemporaryDirectory, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { maxDocumentBytes } from '../document/document-text.js';
import { extractArchive } from '../extract/extract.js';
import { packExtension } from '../pack/extension.js';
import { parseProfiles } from './profile.js';
import { type ValidateOptions, type Validation, validateExtension } from './validate.js';

let work: TemporaryDirectory;
beforeEach(async () => {
  work = await temporaryDirectory();
});
afterEach(async () => {
  await work.remove();
});

const expected = { type: 'taskserv', name: 'kubernetes', version: '1.28.0' } as const;

async function validate(
  files: Readonly<Record<string, string>>,
  wrapper?: string,
  options: ValidateOptions = {},
  name = 'tree',
): Promise<Validation> {
  const archive = join(work.path, 'archive.tar');
  await writeFile(archive, tarOfFiles(files, wrapper));
  const tree = await extractArchive(archive, join(work.path, name));
  return validateExtension(tree, expected, options);
}

const kclMod = '[package]\nname = "kubernetes"\nversion = "0.0.1"\n';

test.each<[string, Record<string, string>]>([
  [
    'extension.toml',
    { 'extension.toml': '[extension]\nname = "kubernetes"\nversion = "1.28.0"\n' },
  ],
  [
    'metadata.toml',
    { 'metadata.toml': 'name = "kubernetes"\nversion = "1.28.0"\n', 'kcl.mod': kclMod },
  ],
  ['manifest.toml', { 'manifest.toml': '[package]\nname = "kubernetes"\nversion = "1.28.0"\n' }],
  ['manifest.yaml', { 'manifest.yaml': 'name: kubernetes # the name\nversion: "1.28.0"\n' }],
  ['only kcl.mod', { 'kcl.mod': kclMod }],
  ['kcl/kcl.mod', { 'kcl/kcl.mod': kclMod, 'default/install-kubernetes.sh': '' }],
])('accepts an extension with %s, wrapped or not', async (_, files) => {
  const { findings, extension } = await validate(files);
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(extension).toMatchObject({ ...expected, root: join(work.path, 'tree') });
});

const examples = fileURLToPath(new URL('../../../../examples/packages/', import.meta.url));

test.each([
  ['taskserv', 'kubernetes', '1.28.0'],
  ['provider', 'aws', '2.0.0'],
  ['cluster', 'web', '1.0.0'],
] as const)('finds nothing wrong with the sample %s', async (type, name, version) => {
  const packed = await packExtension({ type, directory: join(examples, type, name) });
  const archive = join(work.path, 'archive.tgz');
  await writeFile(archive, packed.blobs[1]?.bytes ?? '');
  const tree = await extractArchive(archive, join(work.path, 'tree'));
  const { findings, extension } = await validateExtension(tree, { type, name, version });
  expect(findings).toEqual([]);
  expect(extension).toMatchObject({ type, name, version });
});

test('finds the extension behind a wrapping directory', async () => {
  const { extension } = await validate({ 'kcl.mod': kclMod }, 'kubernetes-1.28.0');
  expect(extension?.root).toBe(join(work.path, 'tree', 'kubernetes-1.28.0'));
});

test('says everything at once, errors first, each with its file', async () => {
  const { findings, extension } = await validate({
    'extension.toml': '[extension]\nname = "docker"\nversion = "1.0.0"\n',
    'kcl.mod': `${kclMod}[dependencies]\nlib = { path = "../../lib" }\nown = { path = "./own" }\n`,
    'kcl/kcl.mod': 'broken',
  });
  expect(extension).toBeUndefined();
  expect(findings).toEqual([
    { severity: 'error', path: 'extension.toml', message: 'says name docker, expected kubernetes' },
    { severity: 'error', path: 'extension.toml', message: 'says version 1.0.0, expected 1.28.0' },
    {
      severity: 'error',
      path: 'kcl/kcl.mod',
      message: expect.stringContaining('kcl.mod is not TOML'),
    },
    {
      severity: 'warning',
      path: 'kcl.mod',
      message: 'lib is at ../../lib, outside of the package: it will not be found',
    },
  ]);
});

test('an archive of anything else is no extension', async () => {
  const { findings, extension } = await validate({ 'README.md': 'hello' });
  expect(extension).toBeUndefined();
  expect(findings).toEqual([
    { severity: 'error', path: '.', message: expect.stringContaining('extension.toml') },
  ]);
});

test('a file that says nothing of its name is a warning', async () => {
  const { findings, extension } = await validate({ 'extension.toml': '[extension]\n' });
  expect(extension).toBeDefined();
  expect(findings.map(({ severity, message }) => [severity, message])).toEqual([
    ['warning', 'does not say its name'],
    ['warning', 'does not say its version'],
  ]);
});

test('a declaring file that can not be read is an error that names it', async () => {
  const { findings } = await validate({ 'metadata.toml': '= = =' });
  expect(findings).toEqual([
    { severity: 'error', path: 'metadata.toml', message: expect.stringContaining('TOML') },
  ]);
});

test('holds ranges against what the caller runs, and reports variables that are not set', async () => {
  const declaring = `[extension]
name = "kubernetes"
version = "1.28.0"
[compatibility]
provisioning_version = ">=2.0.0"
kcl_version = "^0.11.2"
nushell_version = "eleven"
other_version = ">=9"
[configuration]
required_env = ["CLOUD_TOKEN", "CLOUD_REGION"]
`;
  const options = {
    runtime: { provisioning_version: '1.9.0', kcl_version: 'v0.11.3', nushell_version: '0.99' },
    env: { CLOUD_REGION: 'eu' },
  };
  const { findings, metadata } = await validate(
    { 'extension.toml': declaring },
    undefined,
    options,
  );
  expect(findings.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
    'error: needs provisioning_version >=2.0.0, and this is 1.9.0',
    'error: nushell_version "eleven" is no range of versions',
    'warning: needs the variable CLOUD_TOKEN, which is not set',
  ]);
  expect(metadata?.requiredEnv).toEqual(['CLOUD_TOKEN', 'CLOUD_REGION']);
});

test('the type that an extension says has to be the one asked for', async () => {
  const { findings } = await validate({
    'metadata.toml': 'name = "kubernetes"\nversion = "1.28.0"\ntype = "provider"\n',
  });
  expect(findings).toEqual([
    {
      severity: 'error',
      path: 'metadata.toml',
      message: 'says type provider, expected taskserv',
    },
  ]);
});

test('an extension as in the taskserv guide misses what the guide shows, as a warning', async () => {
  const { findings, profile } = await validate({
    'kcl/kcl.mod': kclMod,
    'kcl/kubernetes.k': '',
    'default/install-kubernetes.sh': '',
  });
  expect(profile).toBe('taskserv-guide');
  expect(findings).toEqual([
    {
      severity: 'warning',
      path: 'kcl/version.k',
      message: 'is missing for the profile taskserv-guide',
    },
  ]);
});

const ours = `
[[profile]]
name = "ours"
types = ["taskserv"]
recognised_by = ["ours/*.yaml"]
declaration = { file = "ours/about.yaml", format = "yaml" }
required = ["run/{name}.sh"]
recommended = ["docs/*"]
`;

test('a profile of the caller comes before the platform\u2019s', async () => {
  const profiles = parseProfiles(ours, 'profiles.toml');
  const files = {
    'extension.toml': '[extension]\nname = "docker"\n',
    'ours/about.yaml': 'name: kubernetes\nversion: "1.28.0"\n',
  };
  const { findings, profile } = await validate(files, undefined, { profiles });
  expect(profile).toBe('ours');
  expect(findings.map(({ severity, path }) => [severity, path])).toEqual([
    ['error', 'run/kubernetes.sh'],
    ['warning', 'docs/*'],
  ]);
  const whole = { ...files, 'run/kubernetes.sh': '', 'docs/a.md': '' };
  expect(await validate(whole, undefined, { profiles }, 'whole')).toMatchObject({ findings: [] });
});

test.each([
  ['', 'no [[profile]]'],
  ['profile = 1', 'no [[profile]]'],
  ['[[profile]]\nname = "a"', 'recognised_by'],
  ['[[profile]]\nname = "a"\nrecognised_by = ["a"]\nrequire = ["b"]', 'unknown key require'],
  ['[[profile]]\nname = "a"\nrecognised_by = ["a"]\ntypes = ["vm"]', 'vm'],
  ['[[profile]]\nname = "a"\nrecognised_by = ["a"]\ndeclaration = { file = "a" }', 'format'],
  ['= =', 'TOML'],
])('the profiles %j are refused', (text, why) => {
  expect(() => parseProfiles(text, 'profiles.toml')).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(why),
      hint: expect.any(String),
    }),
  );
});

test.each([
  ['manifest.yaml', 'name: &a kubernetes\nversion: "1.28.0"\ndescription: *a\n', []],
  ['manifest.yaml', '- a\n- b\n', ['is not a YAML mapping']],
  ['manifest.yaml', 'name: [', ['is not YAML']],
  [
    'manifest.yaml',
    'a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ne: &e [*d,*d]\nf: [*e,*e,*e,*e,*e,*e]\n',
    ['not YAML'],
  ],
  ['extension.toml', '[extension]\n[compatibility]\nkcl_version = 1\n', ['ranges of versions']],
  ['extension.toml', '[dependencies]\nextensions = "a"\n', ['lists of texts']],
  ['extension.toml', '[dependencies]\nextensions = { a = 1 }\n', ['the dependency a']],
])('%s with %j is told as %j', async (file, text, said) => {
  const { findings } = await validate({ [file]: text });
  const errors = findings.filter(({ severity }) => severity === 'error');
  expect(errors).toEqual(
    said.map((message) => ({
      severity: 'error',
      path: file,
      message: expect.stringContaining(message),
    })),
  );
});

test.each([
  [
    '[dependencies]\nextensions = ["taskserv/containerd@^1.7", "cilium"]',
    ['taskserv/containerd@^1.7', 'cilium'],
  ],
  ['[dependencies.extensions]\ncontainerd = "^1.7"\ncilium = ""', ['containerd@^1.7', 'cilium']],
  ['[dependencies]\ncontainerd = "^1.7"', ['containerd@^1.7']],
  ['[dependencies]\nsystem_packages = ["curl"]', []],
])('reads the dependencies of %j', async (text, dependencies) => {
  const { metadata } = await validate({ 'extension.toml': text });
  expect(metadata?.dependencies).toEqual(dependencies);
});

test('a declaring file that is too large is an error that names it, and is not parsed', async () => {
  const padding = '#'.repeat(maxDocumentBytes);
  const { findings } = await validate({ 'extension.toml': `[extension]\n${padding}` });
  expect(findings).toEqual([
    {
      severity: 'error',
      path: 'extension.toml',
      message: 'extension.toml has more than 262144 bytes',
    },
  ]);
});
