import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ocictl } from './ocictl.js';

describe('pull --cache', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-pull-cache-');
    const file = join(work.path, 'tool.txt');
    await writeFile(file, 'a tool');
    await ocictl(work.path, registry.url)('push', 'team/tool:1', file);
    registry.clearRequests();
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const blobs = (): number =>
    registry.requests.filter(({ path }) => path.includes('/blobs/')).length;

  it('downloads once, and writes files of its own, also offline', async () => {
    const command = ocictl(work.path, registry.url);
    for (const [at, options] of [[], [], ['--offline']].entries()) {
      const directory = join(work.path, `out-${at}`);
      const end = await command('pull', 'team/tool:1', '--cache', '-o', directory, ...options);
      expect(end).toMatchObject({ exitCode: 0, stderr: '' });
      expect(await readFile(join(directory, 'tool.txt'), 'utf8')).toBe('a tool');
      await writeFile(join(directory, 'tool.txt'), 'changed');
    }
    expect(blobs()).toBe(1);
    const streamed = await command('pull', 'team/tool:1', '--cache', '--offline', '-o', '-');
    expect(streamed).toMatchObject({ exitCode: 0, stdout: 'a tool' });
  });

  it('is what a setting can ask for, too', async () => {
    const config = join(work.path, 'oci.toml');
    await writeFile(config, '[orchestrator.oci.cache]\npulls = true\n');
    const command = ocictl(work.path, registry.url, { OCI_CONFIG: config });
    for (const at of [0, 1])
      await command('pull', 'team/tool:1', '-o', join(work.path, `set-${at}`));
    expect(blobs()).toBe(1);
  });

  it('says offline what was never pulled', async () => {
    const end = await ocictl(work.path, registry.url)(
      'pull',
      'team/tool:1',
      '--cache',
      '--offline',
    );
    expect(end.exitCode).not.toBe(0);
    expect(end.stderr).toContain('team/tool:1 is not in the cache [OFFLINE]');
    expect(registry.requests).toEqual([]);
  });
});
