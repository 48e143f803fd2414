import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { type TemporaryDirectory, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { extractArchive } from '../extract/extract.js';
import { packExtension } from '../pack/extension.js';
import { type Validation, validateExtension } from './validate.js';

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
): Promise<Validation> {
  const archive = join(work.path, 'archive.tar');
  await writeFile(archive, tarOfFiles(files, wrapper));
  return validateExtension(await extractArchive(archive, join(work.path, 'tree')), expected);
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
])('accepts the layout with %s, wrapped or not', async (_, files) => {
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
    { severity: 'error', path: 'kcl/kcl.mod', message: 'kcl.mod is not TOML' },
    {
      severity: 'warning',
      path: 'kcl.mod',
      message: 'lib is at ../../lib, outside of the extension: it will not be found',
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
