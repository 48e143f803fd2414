import { once } from 'node:events';
import { connect } from 'node:net';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { createAccessToken } from '../access/access-token.js';
import { startServer } from '../server.js';

const reader = createAccessToken();

test.each<[string, string, string, number]>([
  ['nobody', '/api/v1/oci/artifacts', '', 401],
  ['nobody', '/api/v1/oci/jobs', '', 401],
  ['a reader', '/api/v1/oci/extensions/install', reader.secret, 403],
  ['a reader', '/api/v1/oci/cache/prune', reader.secret, 403],
  ['somebody unknown', '/api/v1/oci/artifacts', createAccessToken().secret, 401],
])('%s is refused at %s before the body is there', async (_, path, secret, status) => {
  await using directory = await temporaryDirectory();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: directory.path,
    manager: { namespace: 'extensions', cacheDir: `${directory.path}/cache` },
    access: {
      tokens: [{ name: 'reader', hash: reader.hash }],
      rules: [{ who: ['token:reader'], namespaces: ['*'], actions: ['list', 'pull'] }],
    },
  });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret && `Bearer ${secret}`}\r\n` +
      'content-type: application/json\r\ncontent-length: 60000\r\n\r\n{',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*connection: close`, 'i'));
  await once(socket.resume(), 'close');
  await server.close();
});
