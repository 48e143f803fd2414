import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { OciManager, type OciManagerOptions } from '@oci/manager';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type DefaultPlace, managerSource } from '../depend/kcl-source.js';
import { type Vendored, vendorKclPackage } from './vendor.js';

describe('dependencies with a route', () => {
  let work: TemporaryDirectory;
  let usual: TestRegistry;
  let team: TestRegistry;

  beforeEach(async () => {
    work = await temporaryDirectory();
    [usual, team] = await Promise.all([startRegistry(), startRegistry()]);
    // The default registry has a newer package of the same name.
    publish(usual, 'team-net', '9.9.9', { content: 'squatter = True\n' });
    publish(team, 'team-net', '1.0.0', { dependencies: 'core = "1.0.0"\n' });
    publish(usual, 'core', '1.0.0');
    publish(team, 'core', '1.0.0', { content: 'wrong = True\n' });
    for (const registry of [usual, team]) registry.clearRequests();
  });
  afterEach(async () => {
    await Promise.all([usual.close(), team.close()]);
    await work.remove();
  });

  function modOf(name: string, version: string, dependencies: string): string {
    return `[package]\nname = "${name}"\nversion = "${version}"\n[dependencies]\n${dependencies}`;
  }

  function publish(
    at: TestRegistry,
    name: string,
    version: string,
    { dependencies = '', content = 'a = 1\n', repository = `kcl/${name}` } = {},
  ): void {
    const files = { 'kcl.mod': modOf(name, version, dependencies), 'main.k': content };
    at.putArtifact(repository, version, kclPackage({ name, version, files }));
  }

  const directory = (): string => join(work.path, 'app');

  async function vendor(
    dependencies: string,
    {
      defaults,
      ...options
    }: Partial<OciManagerOptions> & { readonly defaults?: DefaultPlace | undefined } = {},
  ): Promise<Vendored> {
    await mkdir(directory(), { recursive: true });
    await writeFile(join(directory(), 'kcl.mod'), modOf('app', '0.1.0', dependencies));
    await using manager = new OciManager({
      registryUrl: usual.url,
      routes: { 'kcl/team-*': team.url },
      namespace: 'e',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      ...options,
    });
    const source = managerSource(manager, defaults);
    try {
      return await vendorKclPackage(directory(), source);
    } finally {
      await source.close();
    }
  }

  const sources = ({ packages }: Vendored): readonly string[] =>
    packages.map(({ source }) => source).sort();
  const asked = (registry: TestRegistry, name: string): boolean =>
    registry.requests.some(({ path }) => path.startsWith(`/v2/kcl/${name}/`));

  it.each(['team-net = "1.0.0"\n', 'team-net = "*"\n', 'team-net = { repo = "kcl/team-net" }\n'])(
    'come from their registry alone, and what they need from its own: %s',
    async (dependency) => {
      const vendored = await vendor(dependency);
      expect(sources(vendored)).toEqual(
        [`${team.host}/kcl/team-net:1.0.0`, `${usual.host}/kcl/core:1.0.0`].sort(),
      );
      expect(asked(usual, 'team-net')).toBe(false);
      expect(asked(team, 'core')).toBe(false);
      const lock = await readFile(join(directory(), 'kcl.mod.lock'), 'utf8');
      expect(lock).toContain(`reg = "${team.host}"`);
    },
  );

  it('are looked for at no other registry, however new what it has', async () => {
    team.fault({ path: '/v2/kcl/team-net/', status: 404 });
    for (const wanted of ['1.0.0', '9.9.9', '*'])
      await expect(vendor(`team-net = "${wanted}"\n`)).rejects.toMatchObject({
        code: expect.stringMatching(/^(?:MANIFEST|NAME)_UNKNOWN$/),
      });
    expect(usual.requests).toEqual([]);
  });

  it.each([
    { registry: 'default', repository: undefined },
    { registry: 'default', repository: 'kcl' },
    { registry: 'default', repository: 'hub' },
  ])('keep it whatever KPM_REG and KPM_REPO say: $repository', async ({ repository }) => {
    publish(usual, 'team-net', '1.0.0', { repository: 'hub/team-net' });
    for (const name of ['core', 'hub/core', 'kcl/core'])
      publish(usual, 'core', '1.0.0', { repository: name });
    const vendored = await vendor('team-net = "1.0.0"\n', {
      defaults: { registry: usual.host, repository },
    });
    expect(sources(vendored)).toContain(`${team.host}/kcl/team-net:1.0.0`);
    expect(usual.requests.some(({ path }) => path.includes('team-net'))).toBe(false);
    expect(sources(vendored).find((source) => source.includes('core'))).toContain(usual.host);
  });

  it('come from where they say when they name a registry', async () => {
    const named = `net = { oci = "oci://${usual.host}/kcl/team-net", tag = "9.9.9" }\n`;
    expect(sources(await vendor(named))).toEqual([`${usual.host}/kcl/team-net:9.9.9`]);
    expect(team.requests).toEqual([]);
  });

  it('are locked: another table brings no other content', async () => {
    await vendor('team-net = "1.0.0"\n');
    publish(usual, 'team-net', '1.0.0', { content: 'squatter = True\n' });
    await expect(vendor('team-net = "1.0.0"\n', { routes: {} })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  it('are refused without a route where names need one, from KPM_REG too', async () => {
    for (const defaults of [undefined, { registry: usual.host }])
      await expect(
        vendor('team-net = "1.0.0"\n', { routesOnly: true, defaults }),
      ).rejects.toMatchObject({
        code: 'POLICY_REFUSED',
        message: expect.stringContaining('kcl/core'),
      });
    expect(usual.requests).toEqual([]);
  });
});
