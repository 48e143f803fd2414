import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  compile,
  run,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { type S3Fake, type S3Faults, startS3Fake } from '../../test/s3-fake.js';

let work: TemporaryDirectory;
let program: string;
let fake: S3Fake | undefined;
beforeAll(async () => {
  work = await temporaryDirectory();
  program = await compile(`await (await import('./program.js')).run(process.argv.slice(2));`, {
    from: new URL('../program.js', import.meta.url).href,
    directory: work.path,
  });
}, 60_000);
afterEach(async () => {
  await fake?.close();
  fake = undefined;
});
afterAll(() => work.remove());

const env = (): Record<string, string> => ({
  HOME: work.path,
  OCI_CONFIG: '',
  AWS_ACCESS_KEY_ID: 'tester',
  AWS_SECRET_ACCESS_KEY: 'secretsecret',
});

/** @returns the arguments that name a bucket of a service with faults */
async function bucket(faults: S3Faults = {}): Promise<readonly string[]> {
  fake = await startS3Fake(faults);
  const config = join(work.path, 'bucket.toml');
  await writeFile(
    config,
    `[orchestrator.oci.server.storage]
kind = "s3"
bucket = "b"
endpoint = "${fake.endpoint}"
region = "us-east-1"
path_style = true
`,
  );
  return ['--config', config];
}

const doctor = (args: readonly string[]) =>
  run(process.execPath, [program, 'doctor', ...args], { env: env() });

test('says of a good bucket that it can be used, by several servers, and how fast it is', async () => {
  const end = await doctor(['--storage', ...(await bucket())]);
  expect(end).toMatchObject({ exitCode: 0 });
  const lines = end.stdout.split('\n');
  expect(lines[0]).toBe('s3 bucket b');
  expect(lines[1]).toMatch(/^ok configuration {2}It is valid/);
  expect(end.stdout).toContain('ok create         Of 16 writers that create one object, one wins');
  expect(end.stdout).toMatch(/^request +times +median ms +p95 ms +max ms$/m);
  expect(end.stdout).toMatch(/^replace +\d+ +[\d.]+ +[\d.]+ +[\d.]+$/m);
  expect(end.stdout).toContain('verdict: the storage can be used, by several servers too');
  expect(end.stdout).not.toContain('secretsecret');
});

test('says of a broken one what is wrong, what that means and what to do', async () => {
  const end = await doctor(['--storage', ...(await bucket({ staleLists: true }))]);
  expect(end.exitCode).toBe(1);
  expect(end.stdout).toContain('x  lists');
  expect(end.stdout).toContain('    LIST_STALE: a collection may remove');
  expect(end.stdout).toContain('    hint: Use a service with strongly consistent lists');
  expect(end.stdout).toContain('verdict: the storage cannot be used as it is: A list behind');
  expect(fake?.objects.size).toBe(0);
});

test('says of one that loses races that one server can use it, as JSON too', async () => {
  const args = ['--storage', '--format', 'json', ...(await bucket({ ignoresIfMatch: true }))];
  const end = await doctor(args);
  expect(end.exitCode).toBe(0);
  const result = JSON.parse(end.stdout) as { probes: { name: string }[] };
  expect(result).toMatchObject({
    storage: { kind: 's3', place: 'bucket b' },
    healthy: true,
    fit_for_replicas: false,
    verdict: expect.stringContaining('by one server alone'),
  });
  expect(result.probes.find(({ name }) => name === 'replace')).toMatchObject({
    outcome: 'problem',
    fault: {
      code: 'REPLACE_NOT_CONDITIONAL',
      meaning: expect.any(String),
      hint: expect.any(String),
    },
    error: null,
  });
});

test('looks without --storage only whether it can be reached', async () => {
  const end = await doctor(await bucket());
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).not.toContain('create');
  expect(end.stdout).toContain('--storage finds out more');
  const args = await bucket();
  await fake?.close();
  fake = undefined;
  const down = await doctor(args);
  expect(down.exitCode).toBe(8);
  expect(down.stdout).toContain('STORAGE_UNREACHABLE');
});

test('leaves nothing behind at Ctrl-C', async () => {
  const args = await bucket();
  const child = startProgram(process.execPath, [program, 'doctor', '--storage', ...args], {
    env: env(),
  });
  await fake?.requested('PUT', 10);
  child.kill('SIGINT');
  expect(await child.end).toMatchObject({ exitCode: 130 });
  expect(fake?.objects.size).toBe(0);
});

test('examines a directory beside the server that uses it', async () => {
  const dataDir = join(work.path, 'data');
  const serve = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const server = startProgram(process.execPath, [program, ...serve], { env: env() });
  await server.says('listens on');
  const before = await readdir(join(dataDir, 'registry'));
  const end = await doctor(['--storage', '--data-dir', dataDir]);
  expect(end.stdout).toContain('verdict: the storage can be used, by one server at a time');
  expect(end.exitCode).toBe(0);
  expect(await readdir(join(dataDir, 'registry'))).toEqual(before);
  server.kill('SIGTERM');
  await server.end;
});

test('makes no directory, which the server would not own', async () => {
  const parent = join(work.path, 'none');
  await mkdir(parent);
  const end = await doctor(['--storage', '--data-dir', join(parent, 'data')]);
  expect(end).toMatchObject({ exitCode: 0 });
  expect(end.stdout).toContain('is not there yet');
  expect(await readdir(parent)).toEqual([]);
});
