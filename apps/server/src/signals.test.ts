import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import {
  type RunningProgram,
  type TemporaryDirectory,
  compile,
  randomBytes,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createAccessToken } from './access/access-token.js';
import { verifyAudit } from './audit/audit-verify.js';

let work: TemporaryDirectory;
let program: string;
beforeAll(async () => {
  work = await temporaryDirectory();
  program = await compile(`await import('./main.js');`, {
    from: import.meta.url,
    directory: work.path,
  });
});
afterAll(() => work.remove());

const content = randomBytes(91, 24_000_000);
const digest = digestOf(content);

async function serve(
  name: string,
  config?: string,
): Promise<{ child: RunningProgram; url: string; dir: string }> {
  const dir = join(work.path, name);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dir];
  if (config !== undefined) args.push('--config', config);
  const child = startProgram(process.execPath, [program, ...args]);
  const { url } = JSON.parse(await child.says('listens on')) as { url: string };
  return { child, url, dir };
}

const uploadUrl = (url: string, repository: string): string =>
  `${url}/v2/${repository}/blobs/uploads/?digest=${digest}`;

test('SIGTERM lets a download and an upload end, refuses what is new, and exits with 0', async () => {
  const { child, url, dir } = await serve('drain');
  const pushed = await fetch(uploadUrl(url, 'a/b'), { method: 'POST', body: Buffer.from(content) });
  expect(pushed.status).toBe(201);

  const download = request(`${url}/v2/a/b/blobs/${digest}`, { agent: false }).end();
  const [answer] = (await once(download, 'response')) as [IncomingMessage];
  await once(answer, 'readable');
  const upload = request(uploadUrl(url, 'c/d'), {
    method: 'POST',
    agent: false,
    headers: { expect: '100-continue', 'content-length': content.byteLength },
  });
  upload.flushHeaders();
  await once(upload, 'continue');
  upload.write(content.subarray(0, 1_000_000));

  child.kill('SIGTERM');
  await expect
    .poll(() =>
      fetch(`${url}/v2/`).then(
        () => 'answered',
        () => 'refused',
      ),
    )
    .toBe('refused');

  upload.end(content.subarray(1_000_000));
  const [created] = (await once(upload, 'response')) as [IncomingMessage];
  created.resume();
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  expect(digestOf(Buffer.concat(chunks))).toBe(digest);
  expect(created.statusCode).toBe(201);
  expect(await child.end).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await verifyAudit(join(dir, 'audit'))).toMatchObject({ problems: [], lines: 5 });
});

test('SIGHUP under load fails no request, and takes over tokens and rules', async () => {
  const first = createAccessToken();
  const second = createAccessToken();
  const config = join(work.path, 'config.toml');
  const write = (hash: string, more = ''): Promise<void> =>
    writeFile(
      config,
      `[[orchestrator.oci.access.tokens]]
name = "ci"
hash = "${hash}"
[[orchestrator.oci.access.rules]]
who = ["anyone"]
namespaces = ["public"]
actions = ["list", "pull"]
[[orchestrator.oci.access.rules]]
who = ["token:ci"]
namespaces = ["*"]
actions = ["list", "pull", "push"]
${more}`,
    );
  await write(first.hash);
  const { child, url } = await serve('reload', config);
  const status = async (path: string, secret?: string): Promise<number> => {
    const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` };
    const answer = await fetch(url + path, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  expect(await status('/v2/', first.secret)).toBe(200);

  const enough = new AbortController();
  const seen = new Map<number | string, number>();
  const client = async (): Promise<void> => {
    while (!enough.signal.aborted) {
      const result = await status('/v2/public/none/tags/list').catch(() => 'broken');
      seen.set(result, (seen.get(result) ?? 0) + 1);
    }
  };
  const load = Promise.all(Array.from({ length: 20 }, client));
  for (let round = 0; round < 5; round += 1) {
    await write(round % 2 === 0 ? second.hash : first.hash);
    child.kill('SIGHUP');
    await child.says('read again', round + 1);
  }
  enough.abort();
  await load;
  // There is no such repository, and nothing else ever went wrong.
  expect([...seen.keys()]).toEqual([404]);
  expect(await status('/v2/', first.secret)).toBe(401);
  expect(await status('/v2/', second.secret)).toBe(200);

  await write(first.hash, 'nonsense = 1');
  child.kill('SIGHUP');
  await child.says('the configuration stays as it is');
  expect(await status('/v2/', second.secret)).toBe(200);
  child.kill('SIGTERM');
  expect(await child.end).toMatchObject({ exitCode: 0, stderr: '' });
});
