import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { verifyAudit } from './audit/audit-verify.js';
import type { ServerOptions } from './server-options.js';
import { startServer } from './server.js';

function optionsIn(path: string, change: Partial<ServerOptions> = {}): ServerOptions {
  return {
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(path, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(path, 'cache') },
    directoryPatienceMs: 0,
    ...change,
  };
}

test.each(['data directory', 'audit directory'])(
  'a second server on one %s is refused, and the first goes on',
  async (which) => {
    await using directory = await temporaryDirectory();
    const audit = { dir: join(directory.path, 'audit') };
    const options = optionsIn(directory.path, { audit });
    const other =
      which === 'data directory'
        ? optionsIn(directory.path)
        : optionsIn(join(directory.path, 'other'), { audit });
    const first = await startServer(options);
    await expect(startServer(other)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('another server uses'),
    });
    expect((await fetch(`${first.url}/v2/`)).status).toBe(200);
    await first.close();
    await (await startServer(other)).close();
    expect(await verifyAudit(audit.dir)).toMatchObject({ problems: [], notes: [] });
  },
);

test('an audit log in the data directory itself keeps no server from starting', async () => {
  await using directory = await temporaryDirectory();
  const options = optionsIn(directory.path);
  const server = await startServer({ ...options, audit: { dir: `${options.dataDir}/` } });
  await server.close();
  expect(await verifyAudit(options.dataDir)).toMatchObject({ lines: 2, problems: [] });
});

test('a data directory that is a file is refused, and the port is free again', async () => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'file');
  await writeFile(file, 'text');
  const server = await startServer(optionsIn(directory.path));
  const { port } = new URL(server.url);
  await server.close();
  const listen = { host: '127.0.0.1', port: Number(port) };
  await expect(startServer(optionsIn(file, { listen }))).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(file),
    hint: expect.any(String),
  });
  await (await startServer(optionsIn(directory.path, { listen }))).close();
});

test('a port that is taken is refused with its number, and the first server goes on', async () => {
  await using directory = await temporaryDirectory();
  const first = await startServer(optionsIn(directory.path));
  const port = Number(new URL(first.url).port);
  const listen = { host: '127.0.0.1', port };
  await expect(startServer(optionsIn(directory.path, { listen }))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `127.0.0.1:${port} is in use`,
    hint: expect.stringContaining('--listen'),
  });
  expect((await fetch(`${first.url}/v2/`)).status).toBe(200);
  await first.close();
});

test('a log that begins anew in a data directory that was in use says so', async () => {
  await using directory = await temporaryDirectory();
  const audit = { dir: join(directory.path, 'audit') };
  const options = optionsIn(directory.path, { audit });
  const server = await startServer(options);
  await fetch(`${server.url}/v2/a/b/blobs/uploads/`, { method: 'POST' });
  await server.close();
  expect(await verifyAudit(audit.dir)).toMatchObject({ problems: [], notes: [] });
  await rm(audit.dir, { recursive: true });
  await (await startServer(options)).close();
  expect(await verifyAudit(audit.dir)).toMatchObject({
    problems: [],
    notes: [{ what: 'line 1: a new log begins, although the data directory was in use' }],
  });
});

test('an audit log of another key keeps the server from starting', async () => {
  await using directory = await temporaryDirectory();
  const dir = join(directory.path, 'audit');
  const server = await startServer(optionsIn(directory.path, { audit: { dir } }));
  await server.close();
  const audit = { dir, key: Buffer.alloc(32, 1) };
  await expect(startServer(optionsIn(directory.path, { audit }))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  await (await startServer(optionsIn(directory.path, { audit: { dir } }))).close();
  expect(await verifyAudit(dir)).toMatchObject({ lines: 4, problems: [] });
});
