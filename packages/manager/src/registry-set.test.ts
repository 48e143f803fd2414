import { kclPackage, startRegistry, temporaryDirectory, testAuthority } from '@oci/testing';
import { expect, test } from 'vitest';

import { OciManager, type OciManagerOptions } from './manager.js';

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
