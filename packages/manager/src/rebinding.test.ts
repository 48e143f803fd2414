import { type RegistryHost, parseRegistryHost } from '@oci/spec-types';
import { kclPackage, startRegistry, temporaryDirectory } from '@oci/testing';
import type { LookupFunction } from 'node:net';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';

import { OciManager } from './manager.js';

const internal = { address: '127.0.0.1', family: 4 };
/** Of the global unicast space, and given to nobody. */
const elsewhere = { address: '2d00::5', family: 6 };
/** What the name server of an attacker answers: to who judges a name, and to who connects to it. */
const answers = { judged: [elsewhere], connected: [internal] };

// Modules are shared among test files; those that see the replaced one must not be.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());
vi.mock('node:dns/promises', () => ({ lookup: async () => answers.judged }));
vi.mock('node:dns', () => ({
  lookup: ((_name, _options, callback) =>
    callback(null, answers.connected)) satisfies LookupFunction,
}));

beforeEach(() => {
  answers.judged = [elsewhere];
  answers.connected = [internal];
});

const by = parseRegistryHost('public.example');

async function registryAndManager(registries: (host: RegistryHost) => object | undefined) {
  const registry = await startRegistry();
  registry.putArtifact('kcl/demo', '1.0.0', kclPackage({ name: 'demo', version: '1.0.0' }));
  const cache = await temporaryDirectory();
  const manager = new OciManager({
    registryUrl: 'https://public.example',
    namespace: 'provisioning-extensions',
    cacheDir: cache.path,
    credentials: async () => undefined,
    connection: { plainHttp: true, retry: { attempts: 1 } },
    registries,
  });
  const named = parseRegistryHost(`named.example:${new URL(registry.url).port}`);
  return {
    manager,
    named,
    pull: () => manager.pullKclPackage('demo', '1.0.0', { registry: named }),
    requests: registry.requests,
    [Symbol.asyncDispose]: async () => {
      await manager.close();
      await registry.close();
      await cache.remove();
    },
  };
}

test('a registry that content names is judged where it is connected to, not a moment before', async () => {
  await using here = await registryAndManager(() => undefined);
  await here.manager.followLead({ named: here.named, by });
  await expect(here.pull()).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    message: expect.stringContaining('127.0.0.1'),
  });
  expect(here.requests).toEqual([]);
});

test('nor does it get around that by content that claims to be internal itself', async () => {
  await using here = await registryAndManager(() => undefined);
  await here.manager.followLead({ named: here.named, by });
  answers.judged = [internal];
  const next = { named: parseRegistryHost('next.example'), by: here.named };
  await expect(here.manager.followLead(next)).rejects.toMatchObject({
    code: 'POLICY_REFUSED',
    reason: { kind: 'registry-internal', registry: 'next.example' },
  });
});

test('a registry that is opened already is not excepted', async () => {
  await using here = await registryAndManager(() => undefined);
  here.manager.registry(here.named);
  await here.manager.followLead({ named: here.named, by });
  await expect(here.pull()).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
});

test('a registry that the options name may be internal', async () => {
  await using here = await registryAndManager((host) =>
    host.startsWith('named.') ? { plainHttp: true } : undefined,
  );
  await here.manager.followLead({ named: here.named, by });
  // It is looked up as any other, and this name has no address.
  await expect(here.pull()).rejects.toMatchObject({ code: 'NETWORK' });
});
