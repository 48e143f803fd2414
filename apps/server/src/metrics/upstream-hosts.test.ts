import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';

test('an upstream that leads to ever other hosts makes no series for each of them', async () => {
  await using directory = await temporaryDirectory();
  let port = 0;
  const upstream = createServer((_, response) => {
    // Nobody listens there.
    port += 1;
    response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: {
      registryUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      namespace: 'extensions',
      cacheDir: `${directory.path}/cache`,
      connection: { retry: { attempts: 1 } },
    },
  });
  try {
    const client = createOciServerClient({ url: server.url });
    const ask = { repository: 'kcl/demo', version: '1.0.0' };
    for (let at = 0; at < 130; at += 1) await client.artifactExists(ask).catch(() => {});
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const hosts = new Set(
      Array.from(metrics.matchAll(/oci_upstream_\w+\{.*?host="(.*?)"/g), (match) => match[1]),
    );
    expect(port).toBeGreaterThan(101);
    expect(hosts.size).toBe(101);
    expect(hosts).toContain('other');
  } finally {
    await server.close();
    upstream.close();
  }
});
