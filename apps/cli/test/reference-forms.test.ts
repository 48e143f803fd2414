import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Ocictl, ocictl } from './ocictl.js';

describe('a reference', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;

  beforeAll(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-forms-');
    command = ocictl(work.path, registry.url);
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    await command('kcl', 'pull', 'core', '1.0.0');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  const forms = (name: string): readonly string[] => {
    const full = `${registry.host}/${name}`;
    return [name, full, `docker://${full}`, `oci://${full}`];
  };

  it.each([
    ['resolve REF', (ref: string) => ['resolve', ref]],
    ['manifest REF', (ref: string) => ['manifest', ref]],
    ['exists REF', (ref: string) => ['exists', ref]],
    ['referrers REF', (ref: string) => ['referrers', ref]],
    ['pull REF', (ref: string) => ['pull', ref, '-o', join(work.path, 'out')]],
    ['copy REF', (ref: string) => ['copy', ref, 'copies/core']],
    ['copy ... REF', (ref: string) => ['copy', 'kcl/core:1.0.0', ref]],
    ['cache pin REF', (ref: string) => ['cache', 'pin', ref]],
    ['cache unpin REF', (ref: string) => ['cache', 'unpin', ref]],
    ['cache export', (ref: string) => ['cache', 'export', '--dry-run', 'x.tar', ref]],
  ])('is taken by %s in each form', async (_, args) => {
    const results = await Promise.all(
      forms('kcl/core:1.0.0').map(async (form) => [form, await command(...args(form))]),
    );
    for (const result of results)
      expect(result).toMatchObject([expect.any(String), { exitCode: 0 }]);
  });

  it.each([
    ['tags REPOSITORY', (name: string) => ['tags', name]],
    ['exists REPOSITORY VERSION', (name: string) => ['exists', name, '1.0.0']],
    ['manifest REPOSITORY VERSION', (name: string) => ['manifest', name, '1.0.0']],
  ])('without a tag is taken by %s in each form', async (_, args) => {
    const results = await Promise.all(
      forms('kcl/core').map(async (form) => [form, await command(...args(form))]),
    );
    for (const result of results)
      expect(result).toMatchObject([expect.any(String), { exitCode: 0 }]);
  });

  it('is a name and a version, or both in one word, for a package', async () => {
    expect(await command('kcl', 'pull', 'core:1.0.0')).toEqual(
      await command('kcl', 'pull', 'core', '1.0.0'),
    );
    expect(await command('kcl', 'pull', 'core')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('NAME:VERSION or NAME VERSION'),
    });
    expect(await command('kcl', 'pull', `oci://${registry.host}/kcl/core:1.0.0`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`ocictl pull ${registry.host}/kcl/core:1.0.0`),
    });
  });
});
