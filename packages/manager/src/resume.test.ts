import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Digest, TransferEvent } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type TemporaryDirectory,
  type TestRegistry,
  compile,
  guideArtifact,
  killAtOutput,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';

describe('a pull that was interrupted', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-resume-');
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const payload = Buffer.from(randomBytes(7, 4_000_000)).toString('base64');
  const artifact = guideArtifact({ version: '1.0.0', files: { payload } });
  const layer = artifact.blobs.at(-1);

  const contentDigest = async (path: string): Promise<Digest> => digestOf(await readFile(path));
  const gets = (): { range: string | undefined; status: number | undefined }[] =>
    registry.requests
      .filter(
        ({ method, path }) => method === 'GET' && path.includes(layer?.descriptor.digest ?? ''),
      )
      .map(({ headers, status }) => ({ range: headers.range, status }));

  it('goes on in another process where it was when it was killed', async () => {
    registry.putArtifact('team/taskserv/big', '1.0.0', artifact);
    const cacheDir = join(work.path, 'cache');
    const program = await compile(
      `import { OciManager } from './manager.js';
       const [registryUrl, cacheDir] = process.argv.slice(2);
       const manager = new OciManager({ registryUrl, namespace: 'team', cacheDir, credentials: async () => undefined });
       let done = 0;
       const pull = manager.pullExtensionArtifact('taskserv', 'big', '1.0.0');
       pull.on((event) => {
         if (event.type === 'bytes' && event.size > 1000000 && event.done > 3500000) process.stdout.write('now');
       });
       await pull;`,
      { from: import.meta.url, directory: work.path },
    );
    const undo = registry.fault({
      path: `/blobs/${layer?.descriptor.digest}`,
      pause: { afterBytes: 3_800_000, until: new Promise(() => {}) },
    });
    await killAtOutput(process.execPath, [program, registry.url, cacheDir]);
    undo();
    registry.clearRequests();

    await using manager = new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir,
      credentials: async () => undefined,
    });
    const events: TransferEvent[] = [];
    const pull = manager.pullExtensionArtifact('taskserv', 'big', '1.0.0');
    pull.on((event) => events.push(event));
    const { path } = await pull;
    expect(await contentDigest(path)).toBe(digestOf(layer?.bytes ?? new Uint8Array()));
    const resume = events.find((event) => event.type === 'resume');
    // What is noted of a download is at most two mebibytes behind.
    expect(resume?.offset).toBeGreaterThan(1_000_000);
    expect(gets().every(({ range }) => range?.startsWith('bytes='))).toBe(true);
    expect(manager.metrics().bytesDownloaded).toBeLessThan(
      (layer?.descriptor.size ?? 0) - 1_000_000 + 10_000,
    );
    expect(await readdir(join(cacheDir, 'partial'))).toEqual([]);
  });

  it('downloads each blob once for processes that pull at the same time', async () => {
    registry.putArtifact('team/taskserv/big', '1.0.0', artifact);
    const program = await compile(
      `import { OciManager } from './manager.js';
       const [registryUrl, cacheDir] = process.argv.slice(2);
       const manager = new OciManager({ registryUrl, namespace: 'team', cacheDir, credentials: async () => undefined });
       process.stdout.write((await manager.pullExtensionArtifact('taskserv', 'big', '1.0.0')).path);
       await manager.close();`,
      { from: import.meta.url, directory: work.path },
    );
    const args = [program, registry.url, join(work.path, 'cache')];
    const ends = await Promise.all([1, 2, 3].map(() => run(process.execPath, args)));
    expect(ends.map(({ stderr }) => stderr)).toEqual(['', '', '']);
    expect(gets().map(({ status }) => status)).toEqual([200]);
    expect(await contentDigest(ends[0]?.stdout ?? '')).toBe(layer?.descriptor.digest);
  });
});
