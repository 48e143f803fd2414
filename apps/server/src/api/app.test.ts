import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { type Fault, kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test, vi } from 'vitest';

import { startServer } from '../server.js';
import { SharedManager } from '../shared-manager.js';

/** The API in front of a registry of the test's. */
async function bench(faults: readonly Fault[] = [], registryUrl?: string) {
  const upstream = await startRegistry();
  upstream.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  for (const fault of faults) upstream.fault(fault);
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: {
      registryUrl: registryUrl ?? upstream.url,
      namespace: 'extensions',
      cacheDir: `${directory.path}/cache`,
      connection: { retry: { attempts: 1 } },
    },
  });
  const post = async (body: string, type = 'application/json') => {
    const url = `${server.url}/api/v1/oci/artifacts`;
    const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': type } });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const close = async (): Promise<void> => {
    await server.close();
    await upstream.close();
    await directory.remove();
  };
  return { server, upstream, post, [Symbol.asyncDispose]: close };
}

test('lists the artifacts of a namespace as the guide shows it', async () => {
  await using here = await bench();
  expect(await here.post('{"namespace":"kcl"}')).toEqual({
    status: 200,
    body: {
      success: true,
      data: [
        {
          name: 'demo',
          version: '1.0.0',
          digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
          size: expect.any(Number),
          media_type: expect.any(String),
          created_at: expect.anything(),
        },
      ],
    },
  });
  expect(await here.post('{"namespace":"none"}')).toEqual({
    status: 200,
    body: { success: true, data: [] },
  });
});

test.each([
  ['{', 400],
  ['[]', 400],
  ['{}', 400],
  ['{"namespace":1}', 400],
  ['{"namespace":"../etc"}', 400],
  ['{"namespace":"A"}', 400],
  ['', 400],
])('answers %s with %i, a code and a hint', async (body, status) => {
  await using here = await bench();
  const answer = await here.post(body);
  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({
    success: false,
    error: {
      code: expect.stringMatching(/^(USAGE|REFERENCE_INVALID)$/),
      message: expect.any(String),
    },
  });
});

test.each([
  ['POST', '/api/v1/oci/artifacts', 'namespace'],
  ['POST', '/api/v1/oci/jobs', 'kind'],
  ['GET', '/api/v1/oci/tags', 'repository'],
  ['GET', '/api/v1/oci/tags?repository=A', 'repository'],
  ['GET', '/api/v1/oci/tags?repository=a&other=b', 'query'],
  ['GET', '/api/v1/oci/jobs/nonsense', 'id'],
  ['GET', '/api/v1/oci/jobs/nonsense/events', 'id'],
])('%s %s says that %s is wrong', async (method, path, where) => {
  await using here = await bench();
  const answer = await fetch(here.server.url + path, { method });
  expect(await answer.json()).toEqual({
    success: false,
    error: {
      code: 'USAGE',
      message: expect.stringMatching(`^invalid request: ${where}: `),
      hint: expect.stringContaining('/openapi.json'),
    },
  });
  expect(answer.status).toBe(400);
});

test('a call whose input is all optional needs no body', async () => {
  await using here = await bench();
  const answer = await fetch(`${here.server.url}/api/v1/oci/cache/prune`, { method: 'POST' });
  expect([answer.status, await answer.json()]).toMatchObject([200, { success: true }]);
});

test('an answer that is not as documented is a defect, and is not sent', async () => {
  await using here = await bench();
  const spy = vi.spyOn(SharedManager.prototype, 'metrics').mockReturnValue({ pulls: -1 } as never);
  const answer = await fetch(`${here.server.url}/api/v1/oci/metrics`);
  spy.mockRestore();
  expect([answer.status, await answer.json()]).toMatchObject([
    500,
    { success: false, error: { code: 'INTERNAL', message: expect.not.stringContaining('-1') } },
  ]);
});

test.each([
  ['a path that is no text', '/%ff', 400, 'USAGE'],
  ['a parameter that is too long', `/api/v1/oci/jobs/${'a'.repeat(5000)}`, 414, 'LIMIT_EXCEEDED'],
])('refuses %s in the form of all failures', async (_, path, status, code) => {
  await using here = await bench();
  const answer = await fetch(`${here.server.url}${path}`);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ success: false, error: { code } });
});

test('refuses a body that is too large, and one that is no JSON', async () => {
  await using here = await bench();
  expect(await here.post(`{"namespace":"${'a'.repeat(70_000)}"}`)).toMatchObject({
    status: 413,
    body: { success: false, error: { code: 'LIMIT_EXCEEDED' } },
  });
  expect(await here.post('namespace=kcl', 'application/x-www-form-urlencoded')).toMatchObject({
    status: 415,
    body: { success: false, error: { code: 'UNSUPPORTED_MEDIA_TYPE', hint: expect.any(String) } },
  });
});

test.each<[string, Partial<Fault>, number, string]>([
  ['wants credentials', { status: 401 }, 502, 'UNAUTHORIZED'],
  ['has a problem', { status: 500 }, 502, 'REGISTRY_UNAVAILABLE'],
  ['refuses us', { status: 403 }, 502, 'DENIED'],
  ['limits us', { status: 429 }, 429, 'RATE_LIMITED'],
  ['speaks nonsense', { status: 200, body: 'no json' }, 502, 'DOCUMENT_INVALID'],
  ['breaks off', { destroyBeforeHeaders: true }, 502, 'NETWORK'],
])('an upstream that %s is not shown as a failure of ours', async (_, fault, status, code) => {
  await using here = await bench([{ path: '/v2/', ...fault }]);
  expect(await here.post('{"namespace":"kcl"}')).toMatchObject({
    status,
    body: { success: false, error: { code } },
  });
});

test('an upstream that is not there is 502', async () => {
  const placeholder = createServer().listen(0, '127.0.0.1');
  await once(placeholder, 'listening');
  const { port } = placeholder.address() as AddressInfo;
  placeholder.close();
  await using here = await bench([], `http://127.0.0.1:${port}`);
  expect(await here.post('{"namespace":"kcl"}')).toMatchObject({
    status: 502,
    body: { error: { code: 'NETWORK' } },
  });
});

test('says that it is well, and what is not there', async () => {
  await using here = await bench();
  const health = await fetch(`${here.server.url}/healthz`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  const missing = await fetch(`${here.server.url}/api/v1/none?token=secret`);
  expect(missing.status).toBe(404);
  const text = await missing.text();
  expect(text).toContain('NOT_FOUND');
  expect(text).not.toContain('secret');
});
