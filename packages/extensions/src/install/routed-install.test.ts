import { join } from 'node:path';

import { OciManager } from '@oci/manager';
import {
  type FileContents,
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { askingSource } from './asking-source.js';
import { type InstalledGraph, installExtensionGraph } from './install-graph.js';
import { listInstalled } from './installed.js';

describe('an extension with a route', () => {
  let work: TemporaryDirectory;
  let usual: TestRegistry;
  let team: TestRegistry;

  beforeEach(async () => {
    work = await temporaryDirectory();
    [usual, team] = await Promise.all([startRegistry(), startRegistry()]);
    publish(usual, 'kubernetes', '1.0.0', ['taskserv/team-runtime']);
    publish(usual, 'team-runtime', '9.9.9');
    publish(team, 'team-runtime', '1.0.0');
    for (const registry of [usual, team]) registry.clearRequests();
  });
  afterEach(async () => {
    await Promise.all([usual.close(), team.close()]);
    await work.remove();
  });

  function publish(
    at: TestRegistry,
    name: string,
    version: string,
    needs: readonly string[] = [],
  ): void {
    const files: Record<string, FileContents> = {
      ...sampleExtensionFiles('taskserv', name, version),
    };
    const dependencies = `[dependencies]\nextensions = ${JSON.stringify(needs)}\n`;
    files['extension.toml'] = `${String(files['extension.toml'])}${dependencies}`;
    const artifact = extensionArtifact({ type: 'taskserv', name, version, files });
    at.putArtifact(`e/taskserv/${name}`, version, artifact);
  }

  const installDir = (): string => join(work.path, 'extensions');

  async function install(name: string): Promise<InstalledGraph> {
    await using manager = new OciManager({
      registryUrl: usual.url,
      routes: { 'e/taskserv/team-*': team.url },
      namespace: 'e',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
    });
    const request = { type: 'taskserv', name, range: undefined } as const;
    return installExtensionGraph(
      askingSource(manager, () => {}),
      request,
      {
        installDir: installDir(),
        env: {},
      },
    );
  }

  it('is installed from its registry, also where another one needs it', async () => {
    const { dependencies } = await install('kubernetes');
    expect(dependencies.map(({ name, version }) => [name, version])).toEqual([
      ['team-runtime', '1.0.0'],
    ]);
    const sources = (await listInstalled(installDir())).map(({ versions }) => versions[0]?.source);
    expect(new Set(sources)).toEqual(
      new Set([
        `${usual.host}/e/taskserv/kubernetes:1.0.0`,
        `${team.host}/e/taskserv/team-runtime:1.0.0`,
      ]),
    );
    expect(usual.requests.some(({ path }) => path.includes('team-runtime'))).toBe(false);
    // Asked again whether it was published again, its registry answers.
    await install('kubernetes');
    expect(usual.requests.some(({ path }) => path.includes('team-runtime'))).toBe(false);
  });

  it.each([{ status: 404 }, { status: 401 }, { destroyBeforeHeaders: true }])(
    'is not installed from another one after %j',
    async (fault) => {
      team.fault({ path: '/v2/e/', ...fault });
      await expect(install('team-runtime')).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:NAME_UNKNOWN|UNAUTHORIZED|NETWORK)$/),
      });
      expect(usual.requests).toEqual([]);
      expect(await listInstalled(installDir())).toEqual([]);
    },
  );
});
