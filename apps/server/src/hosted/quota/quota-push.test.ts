import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';

import { createFileObjectStore } from '@oci/cache';
import { createRegistry } from '@oci/client';
import { digestOf } from '@oci/spec-types/node';
import {
  type RunningProgram,
  type TemporaryDirectory,
  type Versitygw,
  compile,
  inChunks,
  randomBytes,
  startProgram,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { QuotaJson } from '../../api/json/quota-json.js';
import { createOciServerClient } from '../../client/index.js';
import type { ServerOptions } from '../../server-options.js';
import { type RunningServer, startServer } from '../../server.js';
import { createHostedRegistry } from '../hosted-registry.js';

const size = 100_000;
const contents = Array.from({ length: 20 }, (_, at) => randomBytes(700 + at, size));

let work: TemporaryDirectory;
let starts = 0;
beforeAll(async () => {
  work = await temporaryDirectory();
});
afterAll(() => work.remove());

function start(maxBytes: number, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const directory = join(work.path, String((starts += 1)));
  return startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory, 'registry'),
    manager: { namespace: 'extensions', cacheDir: join(directory, 'cache') },
    quotas: [{ namespace: 'team', maxBytes }],
    logLevel: 'silent',
    ...options,
  });
}

async function usageOf(url: string): Promise<QuotaJson | undefined> {
  const { quotas } = await createOciServerClient({ url }).listQuotas({});
  return quotas[0];
}

type Push = (url: string, repository: string, content: Uint8Array) => Promise<number>;

const pushWhole: Push = async (url, repository, content) => {
  const path = `/v2/${repository}/blobs/uploads/?digest=${digestOf(content)}`;
  return (await fetch(url + path, { method: 'POST', body: Buffer.from(content) })).status;
};

const pushInPieces: Push = async (url, repository, content) => {
  const begun = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  if (begun.status !== 202) return begun.status;
  const location = begun.headers.get('location') ?? '';
  for (const part of [content.subarray(0, 60_000), content.subarray(60_000)]) {
    const body = Buffer.from(part);
    const { status } = await fetch(url + location, { method: 'PATCH', body });
    if (status !== 202) return status;
  }
  const end = `${url}${location}?digest=${digestOf(content)}`;
  return (await fetch(end, { method: 'PUT' })).status;
};

/** Pushes all at once, over the servers in turn. @returns how many there was room for */
async function pushAll(servers: readonly RunningServer[], push: Push): Promise<number> {
  const statuses = await Promise.all(
    contents.map((content, at) =>
      push(servers[at % servers.length]?.url ?? '', `team/${at % 3}`, content),
    ),
  );
  expect(statuses.filter((status) => status !== 201 && status !== 403)).toEqual([]);
  return statuses.filter((status) => status === 201).length;
}

test('of 20 blobs that are pushed at once, as many are taken as have room', async () => {
  await using server = disposable(await start(7 * size + 5000));
  expect(await pushAll([server], pushWhole)).toBe(7);
  expect(await usageOf(server.url)).toEqual({
    namespace: 'team',
    used_bytes: 7 * size,
    max_bytes: 7 * size + 5000,
  });
});

test('pushes in pieces never hold more than the quota, in uploads that are open either', async () => {
  await using server = disposable(await start(7 * size + 5000));
  const taken = await pushAll([server], pushInPieces);
  expect(taken).toBeLessThanOrEqual(7);
  expect(await usageOf(server.url)).toMatchObject({ used_bytes: taken * size });
  // What was refused is open still, and ends here.
  expect(await pushWhole(server.url, 'other/a', contents[0] as Uint8Array)).toBe(201);
});

function disposable(server: RunningServer): RunningServer & AsyncDisposable {
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

test('a push without room is answered with what is used and needed, before its bytes are read', async () => {
  await using server = disposable(await start(1000));
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  const digest = digestOf(contents[0] as Uint8Array);
  socket.write(
    `POST /v2/team/a/blobs/uploads/?digest=${digest} HTTP/1.1\r\nHost: localhost\r\n` +
      `Content-Length: ${size}\r\nExpect: 100-continue\r\n\r\n`,
  );
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const answer = Buffer.concat(chunks).toString('utf8');
  expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as unknown;
  expect(body).toEqual({
    errors: [
      {
        code: 'DENIED',
        message:
          'the quota of team is exceeded: 0 of 1000 bytes are used, and 100000 more are needed. ' +
          'Delete manifests that nobody needs and, by their digests, their blobs, or ask for a larger quota.',
        detail: {
          reason: 'quota',
          namespace: 'team',
          repository: 'team/a',
          used: 0,
          limit: 1000,
          needed: size,
        },
      },
    ],
  });
});

test('a client of ours says so at the first answer', async () => {
  await using server = disposable(await start(1000));
  await using registry = createRegistry({ url: server.url });
  const content = contents[0] as Uint8Array;
  const descriptor = { mediaType: 'a/b', digest: digestOf(content), size };
  const push = registry.repository('team/a').pushBlob(descriptor, inChunks(content, 10_000));
  const error: unknown = await push.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('a quota is exceeded') as string,
    retryable: false,
    request: { attempts: 1, status: 403 },
    registryErrors: [{ code: 'DENIED', detail: { reason: 'quota', limit: 1000 } }],
  });
});

test('bytes of no known number are refused once they have no room', async () => {
  await using server = disposable(await start(size));
  const content = randomBytes(750, 5 * size);
  const { port } = new URL(server.url);
  const push = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: `/v2/team/a/blobs/uploads/?digest=${digestOf(content)}`,
  });
  push.end(content);
  const [answer] = (await once(push, 'response')) as [{ statusCode: number; resume(): void }];
  answer.resume();
  expect(answer.statusCode).toBe(403);
  expect(await usageOf(server.url)).toMatchObject({ used_bytes: 0 });
  expect(await pushWhole(server.url, 'team/a', contents[0] as Uint8Array)).toBe(201);
  // Pushing again what is there needs no room.
  expect(await pushWhole(server.url, 'team/a', contents[0] as Uint8Array)).toBe(201);
  const begun = await fetch(`${server.url}/v2/team/a/blobs/uploads/`, { method: 'POST' });
  expect(begun.status).toBe(403);
});

test('a deletion makes room', async () => {
  await using server = disposable(await start(2 * size));
  const [one, two, three] = contents as [Uint8Array, Uint8Array, Uint8Array];
  for (const content of [one, two])
    expect(await pushWhole(server.url, 'team/a', content)).toBe(201);
  expect(await pushWhole(server.url, 'team/a', three)).toBe(403);
  const path = `${server.url}/v2/team/a/blobs/${digestOf(one)}`;
  expect((await fetch(path, { method: 'DELETE' })).status).toBe(202);
  expect(await pushWhole(server.url, 'team/a', three)).toBe(201);
  expect(await usageOf(server.url)).toMatchObject({ used_bytes: 2 * size });
});

describePeer('versitygw', 'two servers of one bucket', () => {
  let gateway: Versitygw;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  test('take together as many of 20 blobs as have room', async () => {
    const { endpoint, region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const storage = { kind: 's3', bucket, endpoint, region, credentials, pathStyle: true } as const;
    await using one = disposable(await start(7 * size + 5000, { storage }));
    await using other = disposable(await start(7 * size + 5000, { storage }));
    expect(await pushAll([one, other], pushWhole)).toBe(7);
    for (const { url } of [one, other])
      expect(await usageOf(url)).toMatchObject({ used_bytes: 7 * size });
  });
});

test('what a server that is killed leaves is counted right by the next count', async () => {
  const program = await compile(`await import('../../main.js');`, {
    from: import.meta.url,
    directory: work.path,
  });
  const config = join(work.path, 'quota.toml');
  await writeFile(
    config,
    `[[orchestrator.oci.server.quotas]]\nnamespace = "team"\nmax_bytes = ${30 * size}\n`,
  );
  const dir = join(work.path, 'killed');
  const serve = async (): Promise<{ child: RunningProgram; url: string }> => {
    const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dir, '--config', config];
    const child = startProgram(process.execPath, [program, ...args]);
    const { url } = JSON.parse(await child.says('listens on')) as { url: string };
    return { child, url };
  };
  const { child, url } = await serve();
  const pushes = contents.map((content, at) =>
    pushWhole(url, `team/${at % 3}`, content).catch(() => 0),
  );
  await Promise.any(pushes.map(async (push) => expect(await push).toBe(201)));
  child.kill('SIGKILL');
  await Promise.all(pushes);
  await child.end;
  const store = createFileObjectStore(join(dir, 'registry'), { isExclusive: true });
  const quotas = [{ namespace: 'team', maxBytes: 30 * size }];
  const registry = createHostedRegistry(store, { quotas: { quotas, isAlone: true } });
  const usage = async (): Promise<number> => {
    for await (const { used } of registry.quotas.usages()) return used;
    return 0;
  };
  let links = 0;
  for await (const { size: bytes } of store.entries('v2/links/')) if (bytes > 0) links += 1;
  expect(await usage()).toBeGreaterThanOrEqual(links * size);
  await registry.quotas.count();
  expect(await usage()).toBe(links * size);
});
