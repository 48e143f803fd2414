import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { mediaTypes } from '@oci/spec-types';
import {
  type RunningProgram,
  type TemporaryDirectory,
  compile,
  startProgram,
  temporaryDirectory,
} from '@oci/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type Receiver, secret, startReceiver } from '../../test/webhook-receiver.js';

let work: TemporaryDirectory;
let program: string;
let running: RunningProgram[] = [];
beforeAll(async () => {
  work = await temporaryDirectory();
  program = await compile(`await import('../main.js');`, {
    from: import.meta.url,
    directory: work.path,
  });
  await writeFile(join(work.path, 'secret'), `whsec_${secret.toString('base64')}\n`);
}, 60_000);
afterAll(async () => {
  for (const child of running) child.process.kill('SIGKILL');
  running = [];
  await work.remove();
});

/** Starts a server whose only webhook is at a URL. */
async function serve(name: string, url: string): Promise<{ child: RunningProgram; url: string }> {
  const config = join(work.path, `${name}.toml`);
  await writeFile(
    config,
    `[[orchestrator.oci.server.webhooks]]\nurl = ${JSON.stringify(url)}\nsecret_file = "secret"\ntimeout_ms = 500\n`,
  );
  const dir = join(work.path, name);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dir, '--config', config];
  const child = startProgram(process.execPath, [program, ...args]);
  running.push(child);
  const line = JSON.parse(await child.says('listens on')) as { url: string };
  return { child, url: line.url };
}

async function push(server: string, tag: string): Promise<boolean> {
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageIndex,
    manifests: [],
    annotations: { tag },
  };
  const answer = await fetch(`${server}/v2/team/app/manifests/${tag}`, {
    method: 'PUT',
    headers: { 'content-type': mediaTypes.imageIndex },
    body: JSON.stringify(document),
  }).catch(() => undefined);
  return answer?.status === 201;
}

const tagsOf = ({ taken }: Receiver): string[] =>
  taken.flatMap(({ data }) => data['tags'] as string[]);

test('no acknowledged push is without its event when the server is killed again and again', async () => {
  let requests = 0;
  // Nearly half of the requests are answered, and some servers are killed in the middle of one.
  await using receiver = await startReceiver((_, response) => {
    requests += 1;
    if (requests % 7 === 0) return;
    response.writeHead(requests % 3 === 0 ? 503 : 204).end();
  });
  const pushed: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const { child, url } = await serve('killed', receiver.url);
    const heard = receiver.received.length;
    const pushing = Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const tag = `${round}-${at}`;
        if (await push(url, tag)) pushed.push(tag);
      }),
    );
    await receiver.got(heard + 1 + round);
    child.kill('SIGKILL');
    await child.end;
    await pushing;
  }
  receiver.answer = (_, response) => void response.writeHead(204).end();
  const { child } = await serve('killed', receiver.url);
  await expect
    .poll(() => pushed.filter((tag) => !tagsOf(receiver).includes(tag)), { timeout: 20_000 })
    .toEqual([]);
  expect(pushed.length).toBeGreaterThan(20);
  child.kill('SIGTERM');
  expect(await child.end).toMatchObject({ exitCode: 0, stderr: '' });
}, 60_000);

test('the receiver of docs/webhooks.md takes what the server sends, and nothing else', async () => {
  const example = new URL('../../../../examples/server/webhook-receiver.mjs', import.meta.url);
  const page = await readFile(new URL('../../../../docs/webhooks.md', import.meta.url), 'utf8');
  expect(page).toContain(await readFile(example, 'utf8'));
  const receiver = startProgram(process.execPath, [
    fileURLToPath(example),
    join(work.path, 'secret'),
    '0',
  ]);
  running.push(receiver);
  const [port] = /\d+(?= })/.exec(await receiver.says('listens')) ?? [];
  const forged = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: {
      'webhook-id': '1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': 'v1,AAAA',
    },
    body: '{}',
  });
  expect(forged.status).toBe(401);
  const { child, url } = await serve('example', `http://127.0.0.1:${port}/`);
  expect(await push(url, '1.0.0')).toBe(true);
  expect(await receiver.says('manifest.pushed')).toMatch(
    /^dev\.oci-server\.manifest\.pushed team\/app@sha256:[0-9a-f]{64} [0-9a-f-]{36}$/,
  );
  child.kill('SIGTERM');
  expect((await child.end).exitCode).toBe(0);
  receiver.kill();
}, 60_000);
