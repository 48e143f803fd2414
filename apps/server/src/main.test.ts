import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  compile,
  run,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

let directory: TemporaryDirectory;
let program: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  // As it is installed: the program in a directory beside its package.json.
  await mkdir(join(directory.path, 'dist'));
  await copyFile(new URL('../package.json', import.meta.url), join(directory.path, 'package.json'));
  program = await compile(`await import('./main.js');`, {
    from: import.meta.url,
    directory: join(directory.path, 'dist'),
  });
}, 60_000);
afterAll(async () => {
  await directory.remove();
});

test.each(['SIGTERM', 'SIGINT'] as const)('serves until %s, then ends with 0', async (signal) => {
  const dataDir = join(directory.path, signal);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const child = startProgram(process.execPath, [program, ...args]);
  const line = JSON.parse(await child.says('listens on')) as { url: string; msg: string };
  expect(line.msg).toBe(`oci-server listens on ${line.url}`);
  expect((await fetch(`${line.url}/v2/`)).status).toBe(200);
  child.kill(signal);
  const end = await child.end;
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  for (const text of end.stdout.trim().split('\n'))
    expect(JSON.parse(text)).toHaveProperty('level');
});

test.each([
  [['serve', '--listen', 'nonsense'], 2, 'invalid listen address'],
  [['serve', '--listen', '0.0.0.0:0'], 9, '--allow-plain-http'],
  [['serve', '--wrong'], 2, "unknown option '--wrong' [USAGE]\nhint: See: oci-server serve --help"],
  [['serv'], 2, 'Did you mean serve? See: oci-server --help'],
  [['audit', 'verfy'], 2, 'See: oci-server audit --help'],
  [['serve', '--config', '/nowhere/config.toml'], 2, '/nowhere/config.toml'],
  [['serve', '--listen', '127.0.0.1:0', '--data-dir', process.execPath], 8, process.execPath],
  [
    ['export', '/nowhere/export', '--data-dir', '/nowhere'],
    8,
    'no storage of format 2 in /nowhere',
  ],
  [['export'], 2, 'See: oci-server export --help'],
  [['gc', '--data-dir', '/nowhere'], 8, 'no storage of format 2 in /nowhere'],
  [['retention', '--data-dir', '/nowhere'], 8, 'no storage of format 2 in /nowhere'],
  [['verify', '--data-dir', '/nowhere'], 8, 'no storage of format 2 in /nowhere'],
  [['import', '/nowhere/export'], 3, '/nowhere/export'],
  [['import', '/', '--type', 'zip'], 2, 'See: oci-server import --help'],
  [['verify', '--max-bytes', 'all'], 2, 'See: oci-server verify --help'],
  [['verify', '--max-seconds', '0'], 2, 'See: oci-server verify --help'],
  [['verify', '--data-dir', process.execPath], 8, process.execPath],
  [['doctor', '--config', '/nowhere/config.toml'], 2, '/nowhere/config.toml'],
  [['audit', 'verify', '--noted', '7'], 2, '--noted NUMBER:HASH'],
  [['audit', 'verify', '--dir', '/nowhere/audit'], 8, 'there is no audit log in /nowhere/audit'],
])('%j ends with %i and says why', async (args, exitCode, why) => {
  const env = { HOME: directory.path, OCI_CONFIG: '' };
  const end = await run(process.execPath, [program, ...args], { env });
  expect(end).toMatchObject({ exitCode, stdout: '' });
  expect(end.stderr).toMatch(/^error: .* \[[A-Z_]+\]\n/);
  expect(end.stderr).toContain(why);
  const json = await run(process.execPath, [program, ...args, '--format', 'json'], { env });
  expect(json).toMatchObject({ exitCode, stdout: '' });
  expect(JSON.parse(json.stderr)).toMatchObject({
    error: { code: expect.any(String), message: expect.any(String), hint: expect.any(String) },
  });
});

test.each([['-V'], ['--version']])('%s prints the version', async (option) => {
  const end = await run(process.execPath, [program, option]);
  const manifest = await readFile(join(directory.path, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  expect(end).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [['serve']],
  [['check-config']],
  [['export']],
  [['import']],
  [['verify']],
  [['doctor']],
  [['audit', 'verify']],
  [['token', 'create']],
  [['gc']],
  [['retention']],
])('%j --help shows an example of it', async (words) => {
  const end = await run(process.execPath, [program, ...words, '--help']);
  expect(end.exitCode).toBe(0);
  expect(end.stdout).toContain(`$ oci-server ${words.join(' ')}`);
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

test('collects the storage without a server, and says what to do while one has it', async () => {
  const dataDir = join(directory.path, 'collected');
  const env = { HOME: directory.path, OCI_CONFIG: '', OCI_SERVER_DATA_DIR: dataDir };
  await mkdir(join(dataDir, 'registry', 'v2'), { recursive: true });
  const end = await run(process.execPath, [program, 'gc'], { env });
  expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  expect(end.stdout).toMatch(/^content: 0 of 0 removed, 0 bytes$/m);
  const json = [program, 'gc', '--dry-run', '--format', 'json'];
  const dry = await run(process.execPath, json, { env });
  expect(JSON.parse(dry.stdout)).toMatchObject({ dry_run: true, result: 'done', bytes: 0 });
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir];
  const child = startProgram(process.execPath, [program, ...args]);
  await child.says('listens on');
  const refused = await run(process.execPath, [program, 'gc'], { env });
  expect(refused).toMatchObject({ exitCode: 8, stdout: '' });
  expect(refused.stderr).toContain('hint: Ask it to collect: POST /api/v1/oci/storage/collect');
  child.kill('SIGTERM');
  expect(await child.end).toMatchObject({ exitCode: 0 });
}, 60_000);

test('tells what the rules of retention would remove, from files that no server uses', async () => {
  const env = { HOME: directory.path, OCI_CONFIG: '' };
  const config = join(directory.path, 'rules.toml');
  await writeFile(
    config,
    '[[orchestrator.oci.server.retention]]\nrepositories = "dev"\nkeep_last = 1\n',
  );
  const where = ['--config', config, '--data-dir', join(directory.path, 'ruled')];
  const served = [program, 'serve', '--listen', '127.0.0.1:0', ...where];
  const child = startProgram(process.execPath, served);
  const { url } = JSON.parse(await child.says('listens on')) as { url: string };
  const type = 'application/vnd.oci.image.index.v1+json';
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, manifests: [] });
  for (const tag of ['a', 'b'])
    await fetch(`${url}/v2/dev/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': type },
      body,
    });
  const retention = (...more: string[]) =>
    run(process.execPath, [program, 'retention', ...where, ...more], { env });
  child.kill('SIGTERM');
  await child.end;
  const dry = await retention('--dry-run');
  expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
  expect(dry.stdout).toMatch(
    /^dev:a: not among the last 1, pushed 0 days ago \(dev:\*\)\n1 of 2 tags would be removed\n/,
  );
  const done = await retention('--format', 'json');
  expect(JSON.parse(done.stdout)).toMatchObject({
    dry_run: false,
    removals: [{ kind: 'tags', repository: 'dev', tag: 'a' }],
  });
  expect((await retention('--dry-run')).stdout).toContain('0 of 1 tags would be removed');
});
