import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { createMemoryObjectStore } from '@oci/cache';
import { LayoutDirectory } from '@oci/client/layout';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  image,
  imageIndex,
  peer,
  run,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { store } from '../../test/stored-repositories.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { ExportDirectory } from './export-directory.js';
import { exportPaths } from './export-format.js';
import { exportRepositories } from './export-repositories.js';
import { TransferReport } from './transfer-report.js';

const app = parseRepositoryName('team/app');
const index = imageIndex();
const artifact = image({ layers: [{ a: 'a' }] });

let work: TemporaryDirectory;
let layout: string;
let out: string;
beforeEach(async () => {
  work = await temporaryDirectory();
  const registry = createHostedRegistry(createMemoryObjectStore());
  await store(registry, app, artifact, [parseTag('1.0')]);
  await store(registry, app, index, [parseTag('Latest')]);
  const target = join(work.path, 'export');
  const directory = new ExportDirectory(target);
  await exportRepositories({ registry, directory }, new TransferReport());
  layout = join(target, exportPaths.layout(app));
  out = join(work.path, 'out');
});
afterEach(() => work.remove());

async function peerRun(program: string, args: readonly string[]): Promise<string> {
  const end = await run(peer(program) ?? program, args, { cwd: work.path });
  if (end.exitCode !== 0) throw new Error(`${program} ${args.join(' ')}: ${end.stderr}`);
  return end.stdout;
}

/** The digest of a tag of a layout that a tool wrote, and whether all is there. */
async function copied(tag: string): Promise<string> {
  const repository = await LayoutDirectory.open(out);
  const manifest = await repository.fetch(tag);
  return manifest.descriptor.digest;
}

describePeer('oras', 'oras at an export', () => {
  test('lists its tags, and copies an index and an image out of it', async () => {
    const tags = await peerRun('oras', ['repo', 'tags', '--oci-layout', layout]);
    expect(tags.trim().split('\n').sort()).toEqual(['1.0', 'Latest']);
    await mkdir(out);
    for (const tag of ['1.0', 'Latest']) {
      const to = ['--to-oci-layout', `${out}:${tag}`];
      await peerRun('oras', ['cp', '--from-oci-layout', `${layout}:${tag}`, ...to]);
    }
    expect(await copied('1.0')).toBe(artifact.manifest.descriptor.digest);
    expect(await copied('Latest')).toBe(index.manifest.descriptor.digest);
  });
});

describePeer('skopeo', 'skopeo at an export', () => {
  test('copies an index and an image out of it, by the link or by the shared directory', async () => {
    const policy = '--insecure-policy';
    const copy = (...args: string[]) => peerRun('skopeo', [policy, 'copy', '--all', ...args]);
    await copy(`oci:${layout}:Latest`, `oci:${out}:Latest`);
    const blobs = join(work.path, 'export', 'blobs');
    await copy('--src-shared-blob-dir', blobs, `oci:${layout}:1.0`, `oci:${out}:1.0`);
    expect(await copied('1.0')).toBe(artifact.manifest.descriptor.digest);
    expect(await copied('Latest')).toBe(index.manifest.descriptor.digest);
  });
});
