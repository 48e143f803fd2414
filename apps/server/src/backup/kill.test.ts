import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { createFileObjectStore } from '@oci/cache';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  compile,
  image,
  run,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { readAll, store } from '../../test/stored-repositories.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { Records } from '../hosted/records.js';
import { ensureFormat } from '../hosted/format.js';

const kills = 10;
const images = 60;

let work: TemporaryDirectory;
let program: string;
let dataDir: string;
let before: Record<string, object>;
beforeAll(async () => {
  work = await temporaryDirectory();
  await mkdir(join(work.path, 'dist'));
  const manifest = new URL('../../package.json', import.meta.url);
  await copyFile(manifest, join(work.path, 'package.json'));
  program = await compile(`await import('../main.js');`, {
    from: import.meta.url,
    directory: join(work.path, 'dist'),
  });
  dataDir = join(work.path, 'from');
  const files = createFileObjectStore(join(dataDir, 'registry'), {
    isExclusive: true,
    fsync: false,
  });
  await ensureFormat(new Records(files));
  const registry = createHostedRegistry(files);
  for (let at = 0; at < images; at += 1) {
    const layers = [0, 1, 2].map((layer) => ({ [`${at} ${layer}`]: 'x'.repeat(20_000) }));
    const name = parseRepositoryName(`team/app-${at % 5}`);
    await store(registry, name, image({ layers }), [parseTag(`v${at}`)]);
  }
  before = await readAll(registry);
}, 60_000);
afterAll(() => work.remove());

const countBelow = async (path: string): Promise<number> =>
  (await readdir(path, { recursive: true }).catch(() => [])).length;

test('an export runs beside the server that has the directory', async () => {
  const serving = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const server = startProgram(process.execPath, [program, ...serving]);
  await server.says('listens on');
  const target = join(work.path, 'beside');
  const exporting = ['export', target, '--data-dir', dataDir, '--repository', 'team/app-1'];
  const end = await run(process.execPath, [program, ...exporting]);
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  expect(end.stdout).toContain(`1 repositories, ${images / 5} tags`);
  server.kill('SIGTERM');
  expect(await server.end).toMatchObject({ exitCode: 0 });
});

/** Begins a command again and again, and kills it without warning whenever it has added a tenth. */
async function killed(args: readonly string[], grows: string, whole: number): Promise<number> {
  let inTheMiddle = 0;
  for (let kill = 1; kill <= kills; kill += 1) {
    const child = startProgram(process.execPath, [program, ...args]);
    const hasEnded = (): boolean => child.process.exitCode !== null;
    while (!hasEnded() && (await countBelow(grows)) < (whole * kill) / (kills + 2)) await sleep(2);
    child.process.kill('SIGKILL');
    if ((await child.end).signal === 'SIGKILL') inTheMiddle += 1;
  }
  return inTheMiddle;
}

test('an export, and an import, that are killed ten times go on, and nothing is missing', async () => {
  const target = join(work.path, 'export');
  const exporting = ['export', target, '--data-dir', dataDir];
  const blobs = join(target, 'blobs');
  // Of each image the layers, the config and the manifest.
  // A fast disk may be done before the last kills.
  expect(await killed(exporting, blobs, images * 5)).toBeGreaterThan(0);
  const end = await run(process.execPath, [program, ...exporting, '--format', 'json']);
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  const report = JSON.parse(end.stdout) as { blobs: { copied: number; present: number } };
  expect(report.blobs.present).toBeGreaterThan(0);
  expect(await countBelow(blobs)).toBe(images * 5 + 1);

  const restored = join(work.path, 'to');
  const importing = ['import', target, '--data-dir', restored];
  const data = join(restored, 'registry', 'v2', 'links');
  expect(await killed(importing, data, images * 10)).toBeGreaterThan(0);
  const last = await run(process.execPath, [program, ...importing, '--format', 'json']);
  expect(last).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(last.stdout)).toMatchObject({ problem_count: 0 });
  const registry = createHostedRegistry(createFileObjectStore(join(restored, 'registry')));
  expect(await readAll(registry)).toEqual(before);
}, 180_000);
