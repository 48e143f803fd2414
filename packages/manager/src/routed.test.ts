import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  blobBytes,
  extensionArtifact,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { singleChunk } from '@oci/spec-types';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';
import type { OciManagerOptions } from './oci-manager-options.js';

describe('names with a route', () => {
  let usual: TestRegistry;
  let team: TestRegistry;
  let work: TemporaryDirectory;

  /** The default registry has a squatter's package of the same name. */
  beforeEach(async () => {
    [usual, team] = await Promise.all([startRegistry(), startRegistry()]);
    work = await temporaryDirectory('oci-routes-');
    put(usual, 'core', '# theirs\n');
    put(usual, 'team-net', '# the squatter\n');
    put(team, 'team-net', '# the team\n');
    put(team, 'core', '# not asked for\n');
    for (const registry of [usual, team]) registry.clearRequests();
  });
  afterEach(async () => {
    await Promise.all([usual.close(), team.close()]);
    await work.remove();
  });

  function put(registry: TestRegistry, name: string, text: string): string {
    const files = { 'main.k': text };
    const content = kclPackage({ name, version: '1.0.0', files });
    return registry.putArtifact(`kcl/${name}`, '1.0.0', content).digest;
  }

  function managerOf(options: Partial<OciManagerOptions> = {}): OciManager {
    return new OciManager({
      registryUrl: usual.url,
      routes: { 'kcl/team-*': team.url, 'team/taskserv': team.url },
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      connection: { retry: { attempts: 1 } },
      ...options,
    });
  }

  it('are pulled from their registry, and the default one hears nothing of them', async () => {
    await using manager = managerOf();
    const pulled = await manager.pullKclPackage('team-net', '1.0.0');
    expect(pulled.reference).toBe(`${team.host}/kcl/team-net:1.0.0`);
    expect(usual.requests).toEqual([]);
    const other = await manager.pullKclPackage('core', '1.0.0');
    expect(other.reference).toBe(`${usual.host}/kcl/core:1.0.0`);
    expect(team.requests.some(({ path }) => path.includes('core'))).toBe(false);
  });

  it.each([
    ['a package that is not there', { status: 404 }, 'MANIFEST_UNKNOWN'],
    ['a caller who is not known', { status: 401 }, 'UNAUTHORIZED'],
    ['a caller who may not', { status: 403 }, 'DENIED'],
    ['a registry that fails', { status: 503 }, 'REGISTRY_UNAVAILABLE'],
    ['a connection that breaks', { destroyBeforeHeaders: true }, 'NETWORK'],
  ])('are asked of no other registry after %s', async (_, fault, code) => {
    team.fault({ path: '/v2/', ...fault });
    await using manager = managerOf();
    const failure = expect.objectContaining({ code });
    await expect(manager.pullKclPackage('team-net', '1.0.0')).rejects.toEqual(failure);
    await expect(manager.getManifest('kcl/team-net', '1.0.0')).rejects.toEqual(failure);
    await expect(manager.listKclVersions('team-net')).rejects.toMatchObject({
      code: code === 'MANIFEST_UNKNOWN' ? 'NAME_UNKNOWN' : code,
    });
    const exists = manager.artifactExists('kcl/team-net', '1.0.0').catch(() => 'failed');
    expect(await exists).toBe(code === 'MANIFEST_UNKNOWN' ? false : 'failed');
    expect(usual.requests).toEqual([]);
  });

  it('are asked of no other registry when theirs does not listen', async () => {
    await team.close();
    await using manager = managerOf();
    await expect(manager.pullKclPackage('team-net', '1.0.0')).rejects.toMatchObject({
      code: 'NETWORK',
    });
    expect(usual.requests).toEqual([]);
  });

  it('have the extension of their registry', async () => {
    team.putArtifact(
      'team/taskserv/kubernetes',
      '1.0.0',
      extensionArtifact({ type: 'taskserv', name: 'kubernetes', version: '1.0.0' }),
    );
    await using manager = managerOf();
    const pulled = await manager.pullExtensionArtifact('taskserv', 'kubernetes', '1.0.0');
    expect(pulled.reference).toContain(`${team.host}/team/taskserv/kubernetes`);
    expect(await manager.listExtensionVersions('taskserv', 'kubernetes')).toEqual(['1.0.0']);
    expect(manager.extensionPlace('taskserv', 'kubernetes').registry).toBe(team.host);
    expect(manager.extensionPlace('provider', 'aws').registry).toBe(usual.host);
    expect(manager.knowsRegistry(team.host as never)).toBe(true);
    expect(usual.requests).toEqual([]);
  });

  it('are pushed to their registry', async () => {
    await using manager = managerOf();
    const { descriptor, bytes } = blobBytes('text/plain', 'new');
    await manager.repository('kcl/team-net').pushBlob(descriptor, singleChunk(bytes));
    expect(usual.requests).toEqual([]);
    team.clearRequests();
    await manager.repository('kcl/core').pushBlob(descriptor, singleChunk(bytes));
    expect(team.requests).toEqual([]);
  });

  it('are listed of their registry alone, whatever another one has under them', async () => {
    await using manager = managerOf();
    const listed = await manager.listOciArtifacts('kcl');
    expect(listed.map(({ name }) => name)).toEqual(['core', 'team-net']);
    const { digest } = await manager.getManifest('kcl/team-net', '1.0.0');
    expect(listed.find(({ name }) => name === 'team-net')?.digest).toBe(digest);
    const asked = (registry: TestRegistry, name: string): boolean =>
      registry.requests.some(({ path }) => path.startsWith(`/v2/kcl/${name}/`));
    expect(asked(usual, 'team-net')).toBe(false);
    expect(asked(team, 'core')).toBe(false);
  });

  it('are listed without the default registry where a route has the whole namespace', async () => {
    await using manager = managerOf({ routes: { kcl: team.url } });
    const listed = await manager.listOciArtifacts('kcl');
    expect(listed.map(({ name }) => name)).toEqual(['core', 'team-net']);
    expect(usual.requests).toEqual([]);
  });

  it('are listed as configured where their registry has no catalog', async () => {
    team.fault({ path: '_catalog', status: 404 });
    await using manager = managerOf({ repositories: ['kcl/team-net'] });
    const names = async () => (await manager.listOciArtifacts('kcl')).map(({ name }) => name);
    expect(await names()).toEqual(['core', 'team-net']);
    await using without = managerOf();
    await expect(without.listOciArtifacts('kcl')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining(team.host),
    });
  });

  it('fail a listing whose registry fails, for the rest of it looks like all', async () => {
    team.fault({ path: '_catalog', status: 503 });
    await using manager = managerOf();
    await expect(manager.listOciArtifacts('kcl')).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    });
  });

  it('are listed offline as they are pulled', async () => {
    await using before = managerOf({ routes: {} });
    await before.pullKclPackage('team-net', '1.0.0');
    await using manager = managerOf({ freshness: { offline: true } });
    await expect(manager.listOciArtifacts('kcl')).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect(manager.pullKclPackage('team-net', '1.0.0')).rejects.toMatchObject({
      code: 'OFFLINE',
    });
    await using online = managerOf();
    await online.pullKclPackage('team-net', '1.0.0');
    const listed = await manager.listOciArtifacts('kcl');
    expect(listed.map(({ name }) => name)).toEqual(['team-net']);
  });

  it("have the guide's path, which never shows what a table of before put there", async () => {
    await using before = managerOf({ routes: {} });
    const squatted = await before.pullKclPackage('team-net', '1.0.0');
    await using manager = managerOf();
    const pulled = await manager.pullKclPackage('team-net', '1.0.0');
    expect(pulled.path).toBe(squatted.path);
    expect(pulled.path).toBe(join(work.path, 'cache/kcl/team-net/1.0.0/package.tar.gz'));
    expect(pulled).toMatchObject({ fromCache: false });
    expect(pulled.digest).not.toBe(squatted.digest);
    const record = await readFile(join(pulled.path, '../view.json'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({ registry: team.host, layer: pulled.digest });
  });

  it('of another registry are what an explicit registry has, at a path of their own', async () => {
    await using manager = managerOf();
    const mine = await manager.pullKclPackage('team-net', '1.0.0');
    const explicit = await manager.pullKclPackage('team-net', '1.0.0', { registry: usual.host });
    expect(explicit.reference).toContain(usual.host);
    expect(explicit.path).not.toBe(mine.path);
    expect(await readdir(join(work.path, 'cache/registries'))).toHaveLength(1);
    const listed = await manager.listOciArtifacts('kcl', { registry: usual.url });
    expect(listed.map(({ name }) => name)).toEqual(['core', 'team-net']);
  });

  it('are under the trust rules of the registry that they belong to', async () => {
    const authority = async () => ({ keys: [], fingerprint: 'none' });
    const trust = [{ scope: team.host, require: 'reject', authority }] as const;
    await using manager = managerOf({ trust });
    await expect(manager.pullKclPackage('team-net', '1.0.0')).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
      message: expect.stringContaining(`${team.host}/kcl/team-net`),
    });
    await manager.pullKclPackage('core', '1.0.0');
  });

  it('are needed where the options say so, and nobody is asked without', async () => {
    await using manager = managerOf({ routesOnly: true });
    await manager.pullKclPackage('team-net', '1.0.0');
    const refused = expect.objectContaining({ code: 'POLICY_REFUSED' });
    await expect(manager.pullKclPackage('core', '1.0.0')).rejects.toEqual(refused);
    await expect(manager.getManifest('kcl/core', '1.0.0')).rejects.toEqual(refused);
    await expect(manager.artifactExists('kcl/core', '1.0.0')).rejects.toEqual(refused);
    expect(() => manager.repository('kcl/core')).toThrow(refused);
    const listed = await manager.listOciArtifacts('kcl');
    expect(listed.map(({ name }) => name)).toEqual(['team-net']);
    expect(usual.requests).toEqual([]);
    const explicit = await manager.pullKclPackage('core', '1.0.0', { registry: usual.url });
    expect(explicit.reference).toContain(usual.host);
  });

  it('tell which registry they have, and why', async () => {
    await using manager = managerOf();
    expect(manager.routeOf('kcl/team-net')).toEqual({
      address: team.url,
      registry: team.host,
      pattern: 'kcl/team-*',
    });
    expect(manager.routeOf('kcl/core').pattern).toBe(undefined);
    expect(() => manager.routeOf('no valid name')).toThrow(
      expect.objectContaining({ code: 'REFERENCE_INVALID' }),
    );
  });
});
