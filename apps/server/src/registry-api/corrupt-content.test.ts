import { readFile, writeFile } from 'node:fs/promises';

import { mediaTypes } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { keys } from '../hosted/keys.js';
import { startServer } from '../server.js';

async function bench() {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
  });
  const ask = async (method: string, path: string, body?: Uint8Array): Promise<number> => {
    const headers = { 'content-type': mediaTypes.imageIndex };
    const given = body && { body: Buffer.from(body) };
    const answer = await fetch(`${server.url}/v2/${path}`, { method, headers, ...given });
    return answer.status;
  };
  const damage = async (content: Uint8Array): Promise<void> => {
    const digest = digestOf(content);
    const record = await readFile(`${directory.path}/${keys.content(digest)}`, 'utf8');
    const { data } = JSON.parse(record) as { data: string };
    await writeFile(`${directory.path}/${keys.data(data)}`, randomBytes(9, content.byteLength));
  };
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  return { ask, damage, [Symbol.asyncDispose]: close };
}

test.each([
  ['small', 1000, 'HEAD'],
  ['small', 1000, 'mount'],
  ['large', 3 * 1024 * 1024, 'HEAD'],
  ['large', 3 * 1024 * 1024, 'mount'],
])(
  'a %s blob that is corrupt on the disk (%i bytes) is missing for a %s, until it is pushed again',
  async (_, size, asked) => {
    await using here = await bench();
    const content = randomBytes(8, size);
    const digest = digestOf(content);
    const push = () => here.ask('POST', `a/blobs/uploads/?digest=${digest}`, content);
    const mount = () => here.ask('POST', `b/blobs/uploads/?mount=${digest}&from=a`);
    const ask = asked === 'mount' ? mount : () => here.ask('HEAD', `a/blobs/${digest}`);
    const [missing, there] = asked === 'mount' ? [202, 201] : [404, 200];
    expect(await push()).toBe(201);
    await here.damage(content);
    expect(await ask()).toBe(missing);
    expect(await push()).toBe(201);
    expect(await ask()).toBe(there);
  },
);

test('a manifest that is corrupt on the disk is not there for a HEAD, until it is pushed again', async () => {
  await using here = await bench();
  const manifest = bytesOf(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: [] }),
  );
  expect(await here.ask('PUT', 'a/manifests/1', manifest)).toBe(201);
  await here.damage(manifest);
  expect(await here.ask('HEAD', 'a/manifests/1')).toBe(404);
  expect(await here.ask('PUT', 'a/manifests/1', manifest)).toBe(201);
  expect(await here.ask('HEAD', 'a/manifests/1')).toBe(200);
});
