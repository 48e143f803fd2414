import { type TransferEvent, parseRepositoryName, parseTag } from '@oci/spec-types';
import { type Fault, type RegistryAuth, kclPackage, startRegistry } from '@oci/testing';
import { expect, test } from 'vitest';

import { type Credential, staticCredentials } from './credentials/credential.js';
import { createRegistry } from './registry.js';

const name = parseRepositoryName('kcl/demo');
const tag = parseTag('1.0.0');
const password = 'S3CR3T-password';
const refresh = 'S3CR3T-refresh';
const headers = { 'x-custom': 'S3CR3T-header' };
const user = { username: 'tester', password };
const credentials: readonly Credential[] = [
  { kind: 'password', ...user },
  { kind: 'refresh', token: refresh },
  { kind: 'bearer', token: 'S3CR3T-bearer' },
];
const auths: readonly RegistryAuth[] = [
  { basic: user },
  { bearer: { ...user, refreshToken: refresh } },
];

/** Everything that a log may get of a thrown value: its causes too. */
function told(thrown: unknown, depth = 0): string {
  if (!(thrown instanceof Error) || depth > 5) return String(thrown);
  return [
    String(thrown),
    thrown.stack,
    JSON.stringify(thrown, Object.getOwnPropertyNames(thrown)),
    told(thrown.cause, depth + 1),
  ].join(' ');
}

const faults: readonly Fault[] = [
  { path: '/manifests/', status: 403 },
  { path: '/manifests/', status: 500, times: 9 },
  { path: '/manifests/', status: 429, headers: { 'retry-after': '1' }, times: 1 },
  { path: '/manifests/', destroyBeforeHeaders: true, times: 9 },
  { path: '/manifests/', redirect: () => 'http://127.0.0.1:1/x?sig=S3CR3T-signature', times: 9 },
  { path: '/manifests/', redirect: () => 'http://u:S3CR3T-url@127.0.0.1:1/x', times: 9 },
  { path: '/token', status: 200, body: '{"token":"S3CR3T-token\\n"}' },
  { path: '/token', status: 500, body: '{"access_token":"S3CR3T-token"}', times: 9 },
  { path: '/token', status: 200, body: 'S3CR3T-token' },
];

test.each(faults.map((fault) => [JSON.stringify(fault).slice(0, 90), fault] as const))(
  'no error, event or observer hears a secret when %s (GHSA-5jhf-2qmf-m8c5, CVE-2025-48374)',
  async (_, fault) => {
    for (const auth of auths) {
      for (const credential of credentials) {
        await using registry = await startRegistry({ auth });
        registry.putArtifact(name, tag, kclPackage({ name: 'demo', version: '1.0.0' }));
        registry.fault(fault);
        const heard: unknown[] = [];
        const client = createRegistry({
          url: registry.url,
          credentials: staticCredentials(registry.host, credential),
          headers,
          retry: { delay: async () => {} },
          observer: (attempt) => {
            heard.push(attempt);
            return (outcome) => void heard.push(outcome);
          },
        });
        const onEvent = (event: TransferEvent): void => void heard.push(event);
        const outcome: unknown = await client
          .repository(name)
          .fetch(tag, { onEvent })
          .catch((thrown: unknown) => thrown);
        const all = told(outcome) + JSON.stringify(heard);
        expect(all).not.toContain('S3CR3T');
        const encoded = Buffer.from(`tester:${password}`).toString('base64');
        expect(all).not.toContain(encoded);
        await client.close();
      }
    }
  },
);

test('custom headers reach neither a redirect nor a token server elsewhere (GHSA-whvf-jp7m-59f3)', async () => {
  await using tokens = await startRegistry({ auth: { bearer: user } });
  await using storage = await startRegistry();
  await using registry = await startRegistry();
  const artifact = kclPackage({ name: 'demo', version: '1.0.0' });
  for (const each of [registry, storage]) each.putArtifact(name, tag, artifact);
  registry.fault({
    path: '/manifests/',
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="${tokens.url}/token",service="s"` },
    times: 1,
  });
  registry.fault({ path: '/manifests/', redirect: (path) => `${storage.url}${path}`, times: 1 });
  const client = createRegistry({
    url: registry.url,
    credentials: staticCredentials(registry.host, { kind: 'password', ...user }),
    headers,
  });
  await client.repository(name).fetch(tag);
  const custom = (requests: typeof registry.requests) =>
    requests.map((request) => request.headers['x-custom']);
  expect(custom(registry.requests)).toEqual(['S3CR3T-header', 'S3CR3T-header']);
  expect(custom(tokens.requests)).toEqual([undefined]);
  expect(custom(storage.requests)).toEqual([undefined]);
  await client.close();
});
