import {
  type TestRegistry,
  extensionArtifact,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describe, expect, it } from 'vitest';

import { createOciServerClient } from '../client/index.js';
import { startServer } from '../server.js';
import type { ServerOptions } from '../server-options.js';

const kubernetes = { type: 'taskserv', name: 'kubernetes', version: '1.0.0' } as const;

function put(registry: TestRegistry, name: string, version: string, text: string): void {
  const files = { 'main.k': text };
  registry.putArtifact(`kcl/${name}`, version, kclPackage({ name, version, files }));
}

/** A server whose own registry has a squatter's package under the name of a team's. */
async function bench(options: Partial<ServerOptions> & { readonly routesOnly?: boolean } = {}) {
  const [usual, team] = await Promise.all([startRegistry(), startRegistry()]);
  put(usual, 'core', '1.0.0', 'core = True\n');
  put(usual, 'team-net', '1.0.0', '# the squatter\n');
  put(usual, 'team-net', '9.9.9', '# the squatter\n');
  put(team, 'team-net', '1.0.0', '# the team\n');
  put(team, 'core', '1.0.0', '# not asked for\n');
  team.putArtifact('team/taskserv/kubernetes', '1.0.0', extensionArtifact(kubernetes));
  for (const registry of [usual, team]) registry.clearRequests();
  const directory = await temporaryDirectory();
  const { routesOnly, ...others } = options;
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    installDir: `${directory.path}/extensions`,
    ...others,
    manager: {
      registryUrl: usual.url,
      routes: { 'kcl/team-*': team.url, 'team/taskserv': team.url },
      routesOnly,
      namespace: 'team',
      cacheDir: `${directory.path}/cache`,
      credentials: async () => undefined,
      connection: { retry: { attempts: 1 } },
    },
  });
  const close = async (): Promise<void> => {
    await server.close();
    await Promise.all([usual.close(), team.close()]);
    await directory.remove();
  };
  const client = createOciServerClient({ url: server.url });
  return { url: server.url, client, usual, team, [Symbol.asyncDispose]: close };
}

describe('names with a route', () => {
  it('are pulled, inspected and installed from their registry alone', async () => {
    await using here = await bench();
    const { client, team, usual } = here;
    const pulled = await client.pullKclPackage({ name: 'team-net', version: '1.0.0' });
    expect(pulled).toMatchObject({
      reference: `${team.host}/kcl/team-net:1.0.0`,
      source: team.host,
    });
    const place = { repository: 'kcl/team-net', version: '1.0.0' };
    expect(await client.artifactExists(place)).toMatchObject({ exists: true });
    expect(await client.artifactExists({ ...place, version: '9.9.9' })).toMatchObject({
      exists: false,
    });
    expect(await client.getManifest(place)).toMatchObject({ digest: pulled.manifest_digest });
    expect(await client.listTags({ repository: 'kcl/team-net' })).toMatchObject({
      tags: ['1.0.0'],
    });
    const { repository } = place;
    await client.listReferrers({ repository, digest: pulled.manifest_digest });
    await client.installExtension(kubernetes);
    const [installed] = await client.listExtensions();
    expect(installed?.versions[0]?.source).toBe(`${team.host}/team/taskserv/kubernetes:1.0.0`);
    expect(usual.requests).toEqual([]);
  });

  it('are listed as they are pulled, in the form of the guide', async () => {
    await using here = await bench();
    const answer = await fetch(`${here.url}/api/v1/oci/artifacts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ namespace: 'kcl' }),
    });
    expect(await answer.json()).toMatchObject({
      success: true,
      data: [
        { name: 'core', version: '1.0.0' },
        { name: 'team-net', version: '1.0.0' },
      ],
    });
  });

  it.each([404, 401, 403, 500])('end where their registry answers %d', async (status) => {
    await using here = await bench();
    here.team.fault({ path: '/v2/', status });
    const { client } = here;
    const calls = [
      client.pullKclPackage({ name: 'team-net', version: '9.9.9' }),
      client.getManifest({ repository: 'kcl/team-net', version: '9.9.9' }),
      client.installExtension(kubernetes),
      client.listTags({ repository: 'kcl/team-net' }),
    ];
    const results = await Promise.allSettled(calls);
    expect(results.map((result) => result.status)).toEqual(Array(4).fill('rejected'));
    expect(here.usual.requests).toEqual([]);
  });

  it('are of no registry that a caller names', async () => {
    await using here = await bench();
    const { team, usual, url } = here;
    for (const registry of [usual.url, usual.host]) {
      const answer = await fetch(`${url}/api/v1/oci/pull/kcl`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'team-net', version: '1.0.0', registry }),
      });
      const text = await answer.text();
      expect(answer.status === 400 || text.includes(team.host)).toBe(true);
      const name = `${registry.replace('http://', '')}/kcl/team-net`;
      const named = await fetch(`${url}/api/v1/oci/exists?repository=${name}&version=9.9.9`);
      expect(await named.text()).not.toContain('"exists":true');
    }
    expect(usual.requests).toEqual([]);
  });

  it('are needed where the options say so', async () => {
    await using here = await bench({ routesOnly: true });
    const { client, usual } = here;
    await expect(client.pullKclPackage({ name: 'core', version: '1.0.0' })).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    });
    await client.pullKclPackage({ name: 'team-net', version: '1.0.0' });
    expect(usual.requests).toEqual([]);
  });

  it('are let in by their name, whatever registry they belong to', async () => {
    const rules = [{ who: ['anyone'], namespaces: ['kcl/core'], actions: ['pull'] }] as const;
    await using here = await bench({ access: { rules } });
    const { client, team } = here;
    await client.pullKclPackage({ name: 'core', version: '1.0.0' });
    await expect(
      client.pullKclPackage({ name: 'team-net', version: '1.0.0' }),
    ).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(team.requests).toEqual([]);
  });
});

it('names without a route are of the server itself where it has no other registry', async () => {
  const directory = await temporaryDirectory();
  await using team = await startRegistry();
  put(team, 'team-net', '1.0.0', '# the team\n');
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    dataDir: `${directory.path}/registry`,
    manager: {
      routes: { 'kcl/team-*': team.url },
      namespace: 'team',
      cacheDir: `${directory.path}/cache`,
    },
  });
  try {
    const client = createOciServerClient({ url: server.url });
    const pulled = await client.pullKclPackage({ name: 'team-net', version: '1.0.0' });
    expect(pulled.reference).toContain(team.host);
    team.clearRequests();
    await expect(client.pullKclPackage({ name: 'core', version: '1.0.0' })).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
    });
    expect(team.requests).toEqual([]);
  } finally {
    await server.close();
    await directory.remove();
  }
});
