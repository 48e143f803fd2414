import { createHash } from 'node:crypto';

import { mediaTypes } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';

/** A server with its own repositories, and a caller who pushes any manifest. */
async function bench() {
  const directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    sparseManifests: true,
  });
  const config = { mediaType: mediaTypes.empty, digest: digestOf('{}'), size: 2 };
  const push = async (path: string, document: object): Promise<string> => {
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.imageManifest,
      artifactType: 'application/x-test',
      config,
      layers: [],
      ...document,
    });
    const [repository = '', tag = ''] = path.split(':');
    const answer = await fetch(`${server.url}/v2/${repository}/manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': mediaTypes.imageManifest },
      body: text,
    });
    expect(answer.status).toBe(201);
    return digestOf(text);
  };
  const close = async (): Promise<void> => {
    await server.close();
    await directory.remove();
  };
  const client = createOciServerClient({ url: server.url });
  return { push, client, config, [Symbol.asyncDispose]: close };
}

function digestOf(text: string): `sha256:${string}` {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

test('one manifest that claims more bytes than a number holds hides no other artifact', async () => {
  await using here = await bench();
  await here.push('kcl/good:1.0.0', {});
  const layer = { ...here.config, size: Number.MAX_SAFE_INTEGER };
  await here.push('kcl/evil:1.0.0', { layers: [layer, layer] });
  expect(await here.client.listArtifacts({ namespace: 'kcl' })).toMatchObject([
    { name: 'evil', size: Number.MAX_SAFE_INTEGER },
    { name: 'good', size: 0 },
  ]);
});

test('a time of creation that is none is left out, so that neither answers nor cursors grow with it', async () => {
  await using here = await bench();
  const created = (text: string) => ({ annotations: { 'org.opencontainers.image.created': text } });
  await here.push('kcl/a:1.0.0', created('2026-01-02T03:04:05Z'));
  await here.push('kcl/b:1.0.0', created('x'.repeat(100_000)));
  await here.push('kcl/c:1.0.0', created('yesterday'));
  const listed = await here.client.listArtifacts({ namespace: 'kcl' });
  expect(listed.map((artifact) => artifact.created_at)).toEqual([
    '2026-01-02T03:04:05Z',
    null,
    null,
  ]);
});

test('a tag of a hosted repository that was moved is listed with what it points to now', async () => {
  await using here = await bench();
  await here.push('kcl/demo:1.0.0', {});
  await here.client.listArtifacts({ namespace: 'kcl' });
  const digest = await here.push('kcl/demo:1.0.0', { annotations: { moved: 'yes' } });
  expect(await here.client.listArtifacts({ namespace: 'kcl' })).toMatchObject([{ digest }]);
});

test('a list of referrers that no answer should hold is refused before memory holds it', async () => {
  await using here = await bench();
  const digest = await here.push('kcl/demo:1.0.0', {});
  const subject = { mediaType: mediaTypes.imageManifest, digest, size: 1 };
  const ask = { repository: 'kcl/demo', digest };
  const refer = (at: number): Promise<string> =>
    here.push(`kcl/demo:r${at}`, {
      subject,
      annotations: { at: String(at), text: 'x'.repeat(1_000_000) },
    });
  for (const at of [1, 2, 3, 4]) await refer(at);
  expect(await here.client.listReferrers(ask)).toHaveLength(4);
  await refer(5);
  await expect(here.client.listReferrers(ask)).rejects.toMatchObject({
    status: 422,
    code: 'LIMIT_EXCEEDED',
  });
});
