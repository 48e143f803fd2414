import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, compile, run, temporaryDirectory } from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let directory: TemporaryDirectory;
let program: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  program = await compile(`await import('./main.js');`, {
    from: import.meta.url,
    directory: directory.path,
  });
});
afterAll(async () => {
  await directory.remove();
});

test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, then ends with 0', async (signal) => {
  const dataDir = join(directory.path, signal);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir, '--log-level', 'silent'];
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const [, url = ''] =
    /^oci-server listens on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString()) ?? [];
  expect((await fetch(`${url}/v2/`)).status).toBe(200);
  const ended = once(child, 'close');
  child.kill(signal);
  expect(await ended).toEqual([0, null]);
});

test.each([
  [['serve', '--listen', 'nonsense'], 'invalid listen address'],
  [['serve', '--listen', '0.0.0.0:0'], '--allow-plain-http'],
  [['serve', '--wrong'], '--wrong'],
  [['wrong'], 'wrong'],
  [['serve', '--config', '/nowhere/config.toml'], '/nowhere/config.toml'],
])('%j ends with 2 and says why', async (args, why) => {
  const end = await run(process.execPath, [program, ...args], {
    env: { HOME: directory.path, OCI_CONFIG: '' },
  });
  expect(end.exitCode).toBe(2);
  expect(end.stderr).toContain(why);
  expect(end.stdout).toBe('');
});

test('explains itself', async () => {
  const end = await run(process.execPath, [program, 'serve', '--help']);
  expect(end.exitCode).toBe(0);
  for (const option of ['--config', '--listen', '--data-dir', '--allow-plain-http']) {
    expect(end.stdout).toContain(option);
  }
});

test('checks a configuration, makes a token for it, and verifies the audit log', async () => {
  const env = { HOME: directory.path, OCI_CONFIG: '', OCI_SERVER_DATA_DIR: directory.path };
  const token = await run(process.execPath, [program, 'token', 'create', 'ci'], { env });
  expect(token.stdout).toMatch(/^oci_[\w-]{43}\n$/);
  const config = join(directory.path, 'access.toml');
  await writeFile(config, token.stderr.slice(token.stderr.indexOf('[[')));
  const check = await run(process.execPath, [program, 'check-config', '--config', config], { env });
  expect(check).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('1 tokens') });
  expect(check.stdout).not.toContain(token.stdout.trim());
  const verify = [program, 'audit', 'verify', '--dir', join(directory.path, 'SIGTERM', 'audit')];
  expect(await run(process.execPath, verify, { env })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(
      /2 lines, whole, ends not authenticated, from line 1, ends with line 2/,
    ),
  });
  const log = join(directory.path, 'SIGTERM', 'audit', 'audit.jsonl');
  await writeFile(log, (await readFile(log, 'utf8')).replace('started', 'stopped'));
  expect(await run(process.execPath, verify, { env })).toMatchObject({
    exitCode: 1,
    stdout: expect.stringContaining('audit.jsonl:1: line 1 was changed'),
  });
});
