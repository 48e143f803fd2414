import { startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { createManifest } from '../manifest/new-manifest.js';
import { createRegistry } from '../registry.js';
import { parseDigest, parseRepositoryName, parseTag } from '@oci/spec-types';

const errors = (code: string) => ({ errors: [{ code, message: 'in its own words' }] });

test.each([
  [404, errors('MANIFEST_UNKNOWN'), 'MANIFEST_UNKNOWN'],
  [404, errors('NAME_UNKNOWN'), 'NAME_UNKNOWN'],
  [404, '<html>not found</html>', 'MANIFEST_UNKNOWN'],
  [401, errors('UNAUTHORIZED'), 'UNAUTHORIZED'],
  [403, errors('DENIED'), 'DENIED'],
  [413, '', 'LIMIT_EXCEEDED'],
  [429, errors('TOOMANYREQUESTS'), 'RATE_LIMITED'],
  [500, '', 'REGISTRY_UNAVAILABLE'],
  [503, errors('UNAVAILABLE'), 'REGISTRY_UNAVAILABLE'],
  [405, '', 'UNSUPPORTED'],
  [400, errors('UNSUPPORTED'), 'UNSUPPORTED'],
  [400, 'Client sent an HTTP request to an HTTPS server.\n', 'TLS'],
  [400, '<title>400 The plain HTTP request was sent to HTTPS port</title>', 'TLS'],
  [418, 'teapot', 'PROTOCOL'],
])('status %i with %j is %s', async (status, body, code) => {
  await using registry = await startRegistry();
  registry.fault({ path: '/manifests/', status, body });
  const client = createRegistry({ url: registry.url, retry: { attempts: 1 } });
  const fetching = client.repository(parseRepositoryName('a/b')).fetch(parseTag('1'));
  const error: unknown = await fetching.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  const words = typeof body === 'object' && code !== 'TLS' ? body.errors : [];
  expect(error).toMatchObject({ registryErrors: words });
  await client.close();
});

test.each([
  [403, 'the quota of team is exceeded: 9 of 10 bytes are used, and 2 more are needed'],
  [403, 'adding 2 B of storage resource will exceed the configured upper limit: quota exceeded'],
  [412, 'Quota exceeded when processing the request of adding 2 B of storage resource'],
])('status %i with "%s" is no matter of credentials', async (status, message) => {
  await using registry = await startRegistry();
  registry.fault({ path: '/manifests/', status, body: { errors: [{ code: 'DENIED', message }] } });
  await using client = createRegistry({ url: registry.url });
  await expect(client.repository('a/b').fetch('1')).rejects.toMatchObject({
    code: 'DENIED',
    message: expect.stringContaining('a quota is exceeded') as string,
    hint: expect.stringContaining('larger quota') as string,
    retryable: false,
  });
  expect(registry.requests.filter(({ path }) => path.includes('/manifests/'))).toHaveLength(1);
});

test('a tag that is not there leads to the tags', async () => {
  await using registry = await startRegistry();
  await using client = createRegistry({ url: registry.url });
  await expect(client.repository('a/b').fetch('1')).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
    hint: expect.stringContaining('tags') as string,
    reason: { kind: 'manifest-unknown', host: registry.host, repository: 'a/b' },
  });
});

test.each([
  [409, 'DENIED', 'POLICY_REFUSED', ' lets nobody replace a/b:v1 (', { kind: 'tag-immutable' }],
  [
    412,
    'PRECONDITION',
    'POLICY_REFUSED',
    ' lets nobody replace a/b:v1 (',
    { kind: 'tag-immutable' },
  ],
  [409, 'MANIFEST_INVALID', 'PROTOCOL', ' refuses a/b:v1 (', undefined],
])('a push that is answered %i %s is %s', async (status, said, code, words, reason) => {
  await using registry = await startRegistry();
  registry.fault({ method: 'PUT', path: '/manifests/', status, body: errors(said) });
  await using client = createRegistry({ url: registry.url });
  const manifest = createManifest({ artifactType: 'x/y', layers: [] });
  const pushing = client.repository('a/b').pushManifest(manifest, { tag: 'v1' });
  const message = expect.stringContaining(`${registry.host}${words}`) as string;
  const { errors: registryErrors } = errors(said);
  await expect(pushing).rejects.toMatchObject({ code, message, reason, registryErrors });
});

const missing = `sha256:${'a'.repeat(64)}`;

test.each([
  [404, { code: 'MANIFEST_BLOB_UNKNOWN', message: `a/b does not have ${missing}` }, missing],
  [400, { code: 'MANIFEST_BLOB_UNKNOWN', detail: { digest: missing } }, missing],
  [404, { code: 'BLOB_UNKNOWN', detail: missing }, missing],
  [404, { code: 'MANIFEST_BLOB_UNKNOWN' }, 'a blob'],
])('a push that is answered %i with %j tells which blob to push', async (status, said, what) => {
  await using registry = await startRegistry();
  registry.fault({ method: 'PUT', path: '/manifests/', status, body: { errors: [said] } });
  await using client = createRegistry({ url: registry.url });
  const config = { mediaType: 'application/json', digest: parseDigest(missing), size: 1 };
  const manifest = createManifest({ config, layers: [config] });
  await expect(client.repository('a/b').pushManifest(manifest)).rejects.toMatchObject({
    code: 'BLOB_UNKNOWN',
    message: expect.stringContaining(`${registry.host} does not have ${what} that a/b@`) as string,
    hint: expect.stringContaining('Push the blob first') as string,
  });
  expect(registry.requests).toHaveLength(1);
});

test.each([
  ['team/kcl/core', 'team/kcl'],
  ['core', ''],
])('of %s, which is not there, says where others may be', async (name, namespace) => {
  await using registry = await startRegistry();
  registry.fault({ path: '/manifests/', status: 404, body: errors('NAME_UNKNOWN') });
  const client = createRegistry({ url: registry.url });
  const fetching = client.repository(parseRepositoryName(name)).fetch(parseTag('1'));
  await expect(fetching).rejects.toMatchObject({
    reason: { kind: 'repository-unknown', origin: registry.url, namespace },
  });
  await client.close();
});

test('names the request, the status and the attempts, and keeps the query out', async () => {
  await using registry = await startRegistry();
  registry.fault({ path: '/manifests/', status: 503 });
  const client = createRegistry({
    url: registry.url,
    retry: { attempts: 3, delay: async () => {} },
  });
  const fetching = client.repository(parseRepositoryName('a/b')).fetch(parseTag('1'));
  await expect(fetching).rejects.toMatchObject({
    message: `${registry.host} has a problem of its own (GET a/b:1 at ${registry.host}: 503, 3 attempts)`,
    request: { method: 'GET', url: `${registry.url}/v2/a/b/manifests/1`, status: 503, attempts: 3 },
    retryable: true,
  });
  await client.close();
});

test('reads no more of an endless error than it may (CVE-2017-11468)', async () => {
  await using registry = await startRegistry();
  registry.fault({ path: '/manifests/', status: 404, body: 'x', endless: true });
  const client = createRegistry({ url: registry.url });
  const fetching = client.repository(parseRepositoryName('a/b')).fetch(parseTag('1'));
  await expect(fetching).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  await client.close();
});
