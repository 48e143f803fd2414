import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type Files, gzip, tarOfFiles, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { inspectKclPackage } from './kcl-findings.js';

async function inspect(files: Files): Promise<readonly string[]> {
  await using work = await temporaryDirectory();
  const path = join(work.path, 'package.tgz');
  await writeFile(path, gzip(tarOfFiles(files)));
  const findings = await inspectKclPackage(path, { name: 'demo', version: '1.0.0' });
  return findings.map(({ severity, path: at, message }) => `${severity} ${at}: ${message}`);
}

const mod = '[package]\nname = "demo"\nversion = "1.0.0"\n[dependencies]\n';

test('finds nothing wrong with a package that stands alone', async () => {
  expect(await inspect({ 'kcl.mod': `${mod}own = { path = "./own" }\nk8s = "1.31.2"\n` })).toEqual(
    [],
  );
});

test('warns of what will not be found after a pull (kcl-lang/kpm#320)', async () => {
  const dependencies =
    'lib = { path = "../lib" }\ng = { git = "https://h.example/g", tag = "v1" }\n';
  expect(await inspect({ 'kcl.mod': mod + dependencies })).toEqual([
    'warning kcl.mod: lib is at ../lib, outside of the package: it will not be found',
    'warning kcl.mod: g comes from git, which only kpm can fetch',
  ]);
});

test('warns when the lock holds another version than kcl.mod says', async () => {
  const lock = '[dependencies.k8s]\nname = "k8s"\nversion = "1.30.0"\n';
  expect(await inspect({ 'kcl.mod': `${mod}k8s = "1.31.2"\n`, 'kcl.mod.lock': lock })).toEqual([
    'warning kcl.mod.lock: holds k8s at 1.30.0, but kcl.mod says 1.31.2',
  ]);
});

test('tells a package that is another one, is none, or can not be read', async () => {
  expect(await inspect({ 'kcl.mod': '[package]\nname = "other"\nversion = "2.0.0"\n' })).toEqual([
    'warning kcl.mod: says name other, expected demo',
    'warning kcl.mod: says version 2.0.0, expected 1.0.0',
  ]);
  expect(await inspect({ 'main.k': '' })).toEqual([
    'error .: has no kcl.mod, so it is no KCL package',
  ]);
  expect(await inspect({ 'kcl.mod': '= =' })).toEqual([
    expect.stringContaining('error kcl.mod: kcl.mod is not TOML'),
  ]);
  expect(await inspect({ 'kcl.mod': mod, 'kcl.mod.lock': '= =' })).toEqual([
    expect.stringContaining('error kcl.mod.lock: kcl.mod.lock is not TOML'),
  ]);
});

test('an archive that would not be unpacked is told by its rule', async () => {
  expect(await inspect({ 'kcl.mod': mod, '../escaped': '' })).toEqual([
    expect.stringContaining('(rule parent-path)'),
  ]);
});
