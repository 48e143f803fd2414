import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { parseRepositoryName } from '@oci/spec-types';
import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';
import { createAccessToken } from './access-token.js';

async function drained(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

test('who may not list is refused everywhere, and never shown an empty list', async () => {
  await using directory = await temporaryDirectory();
  const { secret, hash } = createAccessToken();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory.path, 'data'),
    installDir: join(directory.path, 'installed'),
    manager: { namespace: 'extensions', cacheDir: join(directory.path, 'cache') },
    access: {
      tokens: [{ name: 'puller', hash }],
      rules: [{ who: ['authenticated'], namespaces: ['*'], actions: ['pull', 'push'] }],
    },
  });
  const credential = { kind: 'password', username: 'puller', password: secret } as const;
  const callers = [
    { code: 'UNAUTHORIZED', status: 401, credentials: async () => undefined, token: undefined },
    { code: 'DENIED', status: 403, credentials: async () => credential, token: secret },
  ];
  try {
    for (const { code, status, credentials, token } of callers) {
      const registry = createRegistry({ url: server.url, credentials });
      const tags = registry.repository(parseRepositoryName('kcl/demo')).listTags();
      await expect(drained(registry.listRepositories())).rejects.toMatchObject({ code });
      await expect(drained(tags)).rejects.toMatchObject({ code });
      await registry.close();
      const client = createOciServerClient({ url: server.url, token });
      const namespace = 'kcl';
      for (const list of [
        () => client.listArtifacts({ namespace }),
        () => client.browseArtifacts({ namespace }),
        () => client.listTags({ repository: 'kcl/demo' }),
        () => client.listExtensions(),
      ])
        await expect(list()).rejects.toMatchObject({ status });
    }
  } finally {
    await server.close();
  }
});
