import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { googleCredentials } from './google.js';

/** The metadata server of a machine at Google, which gives the token of its service account. */
async function startMetadata() {
  const asked: string[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const { url = '' } = request;
    response.setHeader('metadata-flavor', 'Google');
    if (!url.includes('/token')) {
      response.end();
      return;
    }
    asked.push(url);
    response.writeHead(status, { 'content-type': 'application/json' });
    const token = { access_token: `ya29.${asked.length}`, expires_in: 3599, token_type: 'Bearer' };
    response.end(JSON.stringify(status === 200 ? token : { error: 'no service account' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    host: `127.0.0.1:${port}`,
    answerWith: (next: number) => void (status = next),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

let metadata: Awaited<ReturnType<typeof startMetadata>>;
let home: TemporaryDirectory;
beforeEach(async () => {
  metadata = await startMetadata();
  home = await temporaryDirectory();
  vi.stubEnv('GCE_METADATA_HOST', metadata.host);
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', undefined);
  vi.stubEnv('HOME', home.path);
  vi.stubEnv('CLOUDSDK_CONFIG', home.path);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await metadata.close();
  await home.remove();
});

test('a registry of Google gets the token of the machine, once for all who ask', async () => {
  const source = googleCredentials();
  const registries = ['europe-docker.pkg.dev', 'gcr.io', 'us.gcr.io'];
  for (const registry of [...registries, ...registries]) {
    expect(await source(registry)).toEqual({
      kind: 'password',
      username: 'oauth2accesstoken',
      password: 'ya29.1',
      from: 'Google Cloud',
    });
  }
  expect(metadata.asked).toHaveLength(1);
});

test.each([
  'registry.example',
  'gcr.io.example',
  'evilgcr.io',
  'a.b.gcr.io',
  'pkg.dev',
  'europe-docker.pkg.dev:8443',
  'europe-docker.pkg.dev.example',
  'x.europe-docker.pkg.dev',
])('%s gets nothing, and Google is not asked', async (registry) => {
  expect(await googleCredentials()(registry)).toBeUndefined();
  expect(metadata.asked).toEqual([]);
});

test('a machine without an account is told so', async () => {
  metadata.answerWith(404);
  await expect(googleCredentials()('gcr.io')).rejects.toMatchObject({
    code: 'UNAUTHORIZED',
    message: expect.stringContaining('Google Cloud gave no credential for gcr.io'),
    hint: expect.stringContaining('gcloud auth'),
  });
});
