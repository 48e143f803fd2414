import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { generateKeyPair, readSigningKey, signArtifact } from '@oci/manager/signing';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import { inChunks, kclPackage, temporaryDirectory, testAuthority } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { createOciServerClient } from './client/index.js';
import type { ServerOptions } from './server-options.js';
import { startServer } from './server.js';

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');
const demo = { name: 'demo', version: '1.0.0' };

/** A server that manages its own repositories, and the package `demo` in it. */
async function bench(change: Partial<ServerOptions> = {}) {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory.path, 'data'),
    ...change,
    manager: {
      ...change.manager,
      namespace: 'extensions',
      cacheDir: join(directory.path, 'cache'),
    },
  });
  const url = server.url.replace('0.0.0.0', '127.0.0.1').replace('[::]', '127.0.0.1');
  const { ca } = await testAuthority();
  const registry = createRegistry({ url, ca });
  const repository = registry.repository(name);
  const { blobs, manifest } = kclPackage(demo);
  for (const { descriptor, bytes } of blobs)
    await repository.pushBlob(descriptor, inChunks(bytes, 65_536));
  await repository.pushManifest(manifest, { tag });
  const close = async (): Promise<void> => {
    await registry.close();
    await server.close();
    await directory.remove();
  };
  return { url, repository, manifest, [Symbol.asyncDispose]: close };
}

test('the server asks itself nothing over HTTP, so that no proxy sees what it holds', async () => {
  const seen: IncomingHttpHeaders[] = [];
  const proxy = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${port}`);
  try {
    const listen = { host: '0.0.0.0', port: 0 };
    await using here = await bench({ listen, allowPlainHttp: true });
    const client = createOciServerClient({ url: here.url });
    expect(await client.listArtifacts({ namespace: 'kcl' })).toMatchObject([demo]);
    expect(await client.pullKclPackage(demo)).toMatchObject({ from_cache: false });
    expect(seen).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    proxy.close();
  }
});

test('the API reads hosted repositories: artifacts, tags, manifests, referrers and what is missing', async () => {
  await using here = await bench();
  const client = createOciServerClient({ url: here.url });
  const repository = 'kcl/demo';
  expect(await client.artifactExists({ repository, version: '1.0.0' })).toMatchObject({
    exists: true,
  });
  expect(await client.artifactExists({ repository, version: '2.0.0' })).toMatchObject({
    exists: false,
  });
  expect(await client.listTags({ repository })).toEqual({ repository, tags: ['1.0.0'] });
  const { digest } = await client.getManifest({ repository, version: '1.0.0' });
  expect(digest).toBe(here.manifest.descriptor.digest);
  expect(await client.listReferrers({ repository, digest })).toEqual([]);
  const unknown = { status: 404, code: 'NAME_UNKNOWN' };
  await expect(client.listTags({ repository: 'kcl/none' })).rejects.toMatchObject(unknown);
  await expect(client.pullKclPackage({ ...demo, version: '9' })).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
    hint: expect.stringContaining('1.0.0'),
  });
});

test('a hosted package has to be signed where a rule says so, in process as over HTTP', async () => {
  const key = await readSigningKey((await generateKeyPair()).privateKey);
  const authority = async () => ({ keys: [key.publicKey], fingerprint: 'key' });
  await using here = await bench({
    manager: {
      namespace: 'extensions',
      cacheDir: '',
      trust: [{ scope: '*', require: 'signature', authority }],
    },
  });
  const client = createOciServerClient({ url: here.url });
  await expect(client.pullKclPackage(demo)).rejects.toMatchObject({ code: 'SIGNATURE_MISSING' });
  await signArtifact(here.repository, here.manifest, key, {
    repositoryName: `127.0.0.1/${name}`,
  });
  expect(await client.pullKclPackage(demo)).toMatchObject({ from_cache: false });
});

test('behind TLS the API reads hosted repositories too, without a second port', async () => {
  const { server: certificate } = await testAuthority();
  await using here = await bench({ tls: certificate });
  const { ca } = await testAuthority();
  const headers = { 'content-type': 'application/json' };
  const pulling = request(`${here.url}/api/v1/oci/pull/kcl`, { method: 'POST', ca, headers });
  const [answer] = (await once(pulling.end(JSON.stringify(demo)), 'response')) as [IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(200);
});
