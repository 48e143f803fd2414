import { readFile, readdir } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { startServer } from '../server.js';
import { verifyAudit } from './audit-verify.js';

/** Longer and with more clients where somebody asks for it: OCI_SOAK_SECONDS=60 OCI_SOAK_CLIENTS=200. */
const seconds = Number(process.env['OCI_SOAK_SECONDS'] ?? 1);
const clients = Number(process.env['OCI_SOAK_CLIENTS'] ?? 20);

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: Buffer;
  readonly id: string;
}

test(
  `each of ${clients} clients finds a line for everything it did in ${seconds} s`,
  { timeout: seconds * 2000 + 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const dir = join(directory.path, 'audit');
    const server = await startServer({
      listen: { host: '127.0.0.1', port: 0 },
      dataDir: join(directory.path, 'registry'),
      manager: { namespace: 'extensions', cacheDir: join(directory.path, 'cache') },
      audit: { dir, maxFileBytes: 4 * 1024 * 1024 },
    });
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    const done = new Map<string, number>();
    const call = async ({ method, path, body, id }: Call): Promise<number> => {
      const status = await new Promise<number>((resolve, reject) => {
        const headers = { 'x-request-id': id, 'content-length': body?.byteLength ?? 0 };
        const options = { method, agent, headers };
        request(server.url + path, options, (answer: IncomingMessage) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        })
          .on('error', reject)
          .end(body);
      });
      done.set(id, status);
      return status;
    };
    const until = Date.now() + seconds * 1000;
    const client = async (number: number): Promise<void> => {
      const blob = Buffer.from(randomBytes(number + 1, 2000));
      const digest = digestOf(blob);
      const repository = `load/r${number}`;
      const push = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
      await call({ method: 'POST', path: push, body: blob, id: `${number}-push` });
      for (let round = 0; round < 2 || Date.now() < until; round += 1) {
        // One of ten pulls is of what is not there.
        const path = `/v2/${repository}/blobs/${round % 10 === 1 ? digestOf(Buffer.from('x')) : digest}`;
        await call({ method: 'GET', path, id: `${number}-${round}` });
      }
    };
    await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
    agent.destroy();
    await server.close();

    expect([...new Set(done.values())].sort((a, b) => a - b)).toEqual([200, 201, 404]);
    expect(await verifyAudit(dir)).toMatchObject({ problems: [], lines: done.size + 2 });
    const results = new Map<string, string>();
    for (const name of await readdir(dir)) {
      if (!name.endsWith('.jsonl')) continue;
      for (const line of (await readFile(join(dir, name), 'utf8')).trim().split('\n')) {
        const { request_id, result } = JSON.parse(line) as Record<string, string>;
        if (request_id !== undefined) results.set(request_id, result ?? '');
      }
    }
    const missing = [...done].filter(
      ([id, status]) => results.get(id) !== (status === 404 ? 'failed' : 'ok'),
    );
    expect(missing).toEqual([]);
    if (seconds > 1) process.stdout.write(`${done.size} operations, ${results.size} lines\n`);
  },
);
