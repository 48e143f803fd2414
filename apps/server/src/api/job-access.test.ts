import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';

test('a job is seen and cancelled by who began it and by administrators, and by nobody else', async () => {
  await using directory = await temporaryDirectory();
  const secrets = { a: createAccessToken(), b: createAccessToken(), admin: createAccessToken() };
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: join(directory.path, 'data'),
    manager: { namespace: 'extensions', cacheDir: join(directory.path, 'cache') },
    access: {
      tokens: Object.entries(secrets).map(([name, { hash }]) => ({ name, hash })),
      rules: [
        { who: ['anyone'], namespaces: ['kcl'], actions: ['pull'] },
        { who: ['token:admin'], namespaces: ['*'], actions: ['admin'] },
      ],
    },
  });
  try {
    const client = (token?: string) => createOciServerClient({ url: server.url, token });
    const [a, b, admin] = Object.values(secrets).map(({ secret }) => client(secret));
    const job = { kind: 'kcl', name: 'demo', version: '1.0.0' } as const;
    const { id } = (await a?.startJob(job)) ?? { id: '' };
    const none = { status: 404, code: 'NOT_FOUND' };
    await expect(b?.getJob({ id })).rejects.toMatchObject(none);
    await expect(b?.cancelJob({ id })).rejects.toMatchObject(none);
    expect(await b?.listJobs()).toEqual([]);
    expect(await a?.listJobs()).toMatchObject([{ id }]);
    expect(await admin?.getJob({ id })).toMatchObject({ id });

    const anonymous = client();
    const refused = { status: 401, code: 'UNAUTHORIZED' };
    await expect(anonymous.startJob(job)).rejects.toMatchObject(refused);
    await expect(anonymous.listJobs()).rejects.toMatchObject(refused);
    await expect(anonymous.cancelJob({ id })).rejects.toMatchObject(none);
  } finally {
    await server.close();
  }
});
