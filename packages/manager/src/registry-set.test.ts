import { type RegistryHost, parseRegistryHost } from '@oci/spec-types';
import { kclPackage, startRegistry, temporaryDirectory, testAuthority } from '@oci/testing';
import { expect, test } from 'vitest';

import { OciManager } from './manager.js';
import { RegistrySet } from './registry-set.js';
import type { OciManagerOptions } from './oci-manager-options.js';

async function manager(options: Partial<OciManagerOptions>) {
  const cache = await temporaryDirectory();
  const made = new OciManager({
    registryUrl: 'http://127.0.0.1:1',
    namespace: 'provisioning-extensions',
    cacheDir: cache.path,
    credentials: async () => undefined,
    ...options,
  });
  const close = async (): Promise<void> => {
    await made.close();
    await cache.remove();
  };
  return Object.assign(made, { [Symbol.asyncDispose]: close });
}

test('pulls from the mirror that is configured for the registry, when the registry is down', async () => {
  await using mirror = await startRegistry();
  mirror.putArtifact('hub/kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  await using here = await manager({
    registries: { '127.0.0.1:1': { mirrors: [{ location: `${mirror.url}/hub` }] } },
  });
  const { path, fromCache } = await here.pullKclPackage('demo', '1.0.0');
  expect(path).toContain('demo');
  expect(fromCache).toBe(false);
});

test('opens any registry with its own settings, once', async () => {
  await using registry = await startRegistry({ tls: true });
  registry.putArtifact('team/app', '1.0.0', kclPackage({ name: 'app', version: '1.0.0' }));
  const { ca } = await testAuthority();
  await using here = await manager({
    connection: { ca },
    registries: { [registry.host]: { ca: registry.ca, insecure: undefined } },
  });
  const opened = here.registry(registry.url);
  expect(here.registry(registry.url)).toBe(opened);
  expect(opened.host).toBe(registry.host);
  await opened.ping();
  const other = here.registry('other.example');
  expect(other).not.toBe(opened);
  expect(other.origin).toBe('https://other.example');
});

test('a registry that is blocked is not asked', async () => {
  await using registry = await startRegistry();
  await using here = await manager({ registries: () => ({ blocked: true }) });
  expect(() => here.registry(registry.url)).toThrow(
    expect.objectContaining({ code: 'POLICY_REFUSED' }),
  );
  expect(registry.requests).toEqual([]);
});

test("pulls, lists and asks of another registry, and keeps the guide's paths for its own", async () => {
  await using own = await startRegistry();
  await using other = await startRegistry();
  own.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  const files = { 'main.k': 'other = True\n' };
  other.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0', files }));
  other.putArtifact('kcl/only', '2.0.0', kclPackage({ name: 'only', version: '2.0.0' }));
  await using here = await manager({ registryUrl: own.url });
  const mine = await here.pullKclPackage('demo', '1.0.0');
  const theirs = await here.pullKclPackage('demo', '1.0.0', { registry: other.url });
  expect(theirs.digest).not.toBe(mine.digest);
  expect(theirs.path).toMatch(/registries\/[^/]+\/kcl\/demo\/1\.0\.0\/package\.tar\.gz$/);
  expect(mine.path).not.toContain('registries');
  // Neither took the other's place, nor its manifest.
  expect(await here.pullKclPackage('demo', '1.0.0')).toMatchObject({
    path: mine.path,
    fromCache: true,
  });
  expect(await here.artifactExists('kcl/only', '2.0.0', { registry: other.host })).toBe(true);
  expect(await here.artifactExists('kcl/only', '2.0.0')).toBe(false);
  const listed = await here.listOciArtifacts('kcl', { registry: other.url });
  expect(listed.map(({ name }) => name).sort()).toEqual(['demo', 'only']);
  const { layers } = await here.getManifest('kcl/demo', '1.0.0', { registry: other.url });
  expect(layers.map(({ digest }) => digest)).toContain(theirs.digest);
});

test('keeps 100 registries open; one that is evicted goes on for who has it', async () => {
  await using registry = await startRegistry();
  const set = new RegistrySet({ credentials: async () => undefined });
  const first = set.open(registry.url);
  for (let count = 1; count < 100; count += 1) set.open(`r${count}.example`);
  expect(set.open(registry.url)).toBe(first);
  for (let count = 1; count <= 100; count += 1) set.open(`s${count}.example`);
  const second = set.open(registry.url);
  expect(second).not.toBe(first);
  await first.ping();
  await second.ping();
  await first.close();
  await set.close();
});

test('forgets no registry that has to stay public, and takes no more of them than 1000', () => {
  const set = new RegistrySet({ credentials: async () => undefined });
  const host = (count: number): RegistryHost => parseRegistryHost(`r${count}.example`);
  for (let count = 0; count < 1000; count += 1) set.keepPublic(host(count));
  expect(() => set.keepPublic(host(1000))).toThrow(
    expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
  );
  set.keepPublic(host(0));
  expect(set.isKeptPublic(host(0))).toBe(true);
});
