import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { parseRepositoryName } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  compile,
  run,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { type HostedImage, pushImage } from '../../test/hosted-image.js';
import { ensureFormat } from '../hosted/format.js';
import { createHostedRegistry } from '../hosted/hosted-registry.js';
import { keys } from '../hosted/keys.js';
import { Records } from '../hosted/records.js';

const name = parseRepositoryName('team/app');

let work: TemporaryDirectory;
let program: string;
let directories = 0;
beforeAll(async () => {
  work = await temporaryDirectory();
  program = await compile(`await (await import('./program.js')).run(process.argv.slice(2));`, {
    from: new URL('../program.js', import.meta.url).href,
    directory: work.path,
  });
}, 60_000);
afterAll(() => work.remove());

/** A data directory with an image. */
async function stored(): Promise<{
  readonly dataDir: string;
  readonly image: HostedImage;
  readonly push: () => Promise<unknown>;
  readonly dataOf: (digest: string) => Promise<string>;
}> {
  const dataDir = join(work.path, `data-${(directories += 1)}`);
  const registryDir = join(dataDir, 'registry');
  await mkdir(registryDir, { recursive: true });
  const push = async (): Promise<HostedImage> => {
    const store = createFileObjectStore(registryDir, { isExclusive: true });
    await ensureFormat(new Records(store));
    return pushImage(createHostedRegistry(store), name);
  };
  const image = await push();
  const dataOf = async (digest: string): Promise<string> => {
    const record = await readFile(
      join(registryDir, keys.content(digest as HostedImage['layer']['digest'])),
      'utf8',
    );
    return join(registryDir, keys.data((JSON.parse(record) as { data: string }).data));
  };
  return { dataDir, image, push, dataOf };
}

function verify(dataDir: string, ...args: readonly string[]) {
  const env = { HOME: work.path, OCI_CONFIG: '', OCI_SERVER_DATA_DIR: dataDir };
  return run(process.execPath, [program, 'verify', ...args], { env });
}

test('tells what is damaged and where to push it, ends with 1, and says when it is healed', async () => {
  const { dataDir, image, push, dataOf } = await stored();
  expect(await verify(dataDir)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^5 objects, \d+ bytes, \d+ records, nothing damaged\n$/),
  });
  await writeFile(await dataOf(image.layer.digest), Buffer.alloc(image.layer.size));
  expect(await verify(dataDir)).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(
      `^content-digest ${image.layer.digest}: the data has other bytes; push to team/app\n5 objects.* 1 damaged\n$`,
    ),
  });
  const json = await verify(dataDir, '--format', 'json');
  expect(json.exitCode).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    whole: true,
    damaged: 1,
    findings: [
      { kind: 'content-digest', digest: image.layer.digest, repositories: ['team/app'], tag: null },
    ],
  });
  await push();
  expect(await verify(dataDir)).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(
      /^healed: content-digest sha256:.*\n5 objects.*damaged, 1 healed\n$/,
    ),
  });
});

test('goes on where its limit stopped it', async () => {
  const { dataDir } = await stored();
  const first = await verify(dataDir, '--max-bytes', '1');
  expect(first).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('not at the end yet'),
  });
  const json = await verify(dataDir, '--format', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ whole: true, resumed: true });
  const again = await verify(dataDir, '--format', 'json');
  expect(JSON.parse(again.stdout)).toMatchObject({ whole: true, resumed: false, objects: 5 });
});

test('notes at Ctrl-C how far it is', async () => {
  const { dataDir } = await stored();
  const env = { HOME: work.path, OCI_CONFIG: '', OCI_SERVER_DATA_DIR: dataDir };
  const args = [program, 'verify', '--bytes-per-second', '100'];
  const child = startProgram(process.execPath, args, { env });
  const task = join(dataDir, 'registry', keys.task('verification'));
  await vi.waitFor(() => access(task), { timeout: 20_000, interval: 20 });
  child.kill('SIGINT');
  const end = await child.end;
  expect(end).toMatchObject({ exitCode: 130, stdout: '' });
  expect(end.stderr).toContain('hint: The next run goes on where this one stopped');
  const { run: running, state } = JSON.parse(await readFile(task, 'utf8')) as {
    run?: object;
    state: { pass: object };
  };
  expect(running).toBeUndefined();
  expect(state.pass).toHaveProperty('position');
});

test('leaves files alone that a server uses', async () => {
  const { dataDir } = await stored();
  const env = { HOME: work.path, OCI_CONFIG: '', OCI_SERVER_DATA_DIR: dataDir };
  const serve = ['serve', '--listen', '127.0.0.1:0'];
  const server = startProgram(process.execPath, [program, ...serve], { env });
  await server.says('listens on');
  for (const command of ['verify', 'gc', 'retention']) {
    const waiting = startProgram(process.execPath, [program, command], { env });
    await waiting.says('waiting for another server');
    waiting.kill('SIGINT');
    expect(await waiting.end).toMatchObject({ exitCode: 130 });
  }
  server.kill('SIGTERM');
  await server.end;
});
