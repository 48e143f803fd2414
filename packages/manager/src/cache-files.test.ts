import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, it } from 'vitest';

import { OciManager } from './manager.js';

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name)).sort();
}

it('leaves ten files of a first small pull, and no other of a hit', async () => {
  await using registry = await startRegistry();
  await using work = await temporaryDirectory('oci-files-');
  registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
  const pull = async (): Promise<readonly string[]> => {
    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: work.path,
      credentials: async () => undefined,
    });
    await manager.pullKclPackage('core', '1.0.0');
    return filesBelow(work.path);
  };
  const files = await pull();
  expect(files.length).toBeLessThanOrEqual(10);
  expect(await pull()).toEqual(files);
});
