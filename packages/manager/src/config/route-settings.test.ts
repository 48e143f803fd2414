import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadSettings } from './load.js';
import { managerOptions } from './manager-options.js';
import { routeTable } from './configured-routes.js';
import { settingEntries } from './setting-entries.js';

describe('the table of routes', () => {
  let work: TemporaryDirectory;

  beforeEach(async () => {
    work = await temporaryDirectory('oci-routes-');
  });
  afterEach(async () => {
    await work.remove();
  });

  async function load(text: string, env: Readonly<Record<string, string>> = {}) {
    const configFile = join(work.path, 'config.toml');
    await writeFile(configFile, text);
    return loadSettings({ configFile, env, cwd: work.path });
  }

  const table = `[orchestrator]
    team = "https://team.example"
    [orchestrator.oci]
    registry_url = "https://default.example"
    routes_only = true
    [orchestrator.oci.routes]
    "kcl/team-*" = "{{orchestrator.team}}"
    kcl = "kcl.example:5000"
  `;

  it('is what a manager is given, and what is shown', async () => {
    const settings = await load(table);
    expect(await managerOptions(settings)).toMatchObject({
      registryUrl: 'https://default.example',
      routes: { 'kcl/team-*': 'https://team.example', kcl: 'kcl.example:5000' },
      routesOnly: true,
    });
    const source = `file ${join(work.path, 'config.toml')}`;
    expect(settingEntries(settings)).toEqual(
      expect.arrayContaining([
        { key: 'routes."kcl/team-*"', value: 'https://team.example', source },
        { key: 'routes."kcl"', value: 'kcl.example:5000', source },
        { key: 'routes_only', value: true, source },
      ]),
    );
  });

  it('is JSON in the environment, which takes the place of the whole table', async () => {
    const { values } = await load(table, { OCI_ROUTES: '{"team": "a.example"}' });
    expect(values.routes).toEqual(new Map([['team', 'a.example']]));
    await expect(load('', { OCI_ROUTES: 'team=a.example' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^routes \(environment OCI_ROUTES\) .*JSON$/),
    });
  });

  it.each([
    ['"kcl/**" = "a.example"', 'routes."kcl/**"'],
    ['"kcl" = "https://a.example/path"', 'routes."kcl"'],
    ['"kcl" = 5', 'routes."kcl"'],
    ['"kcl" = ["a.example"]', 'routes."kcl"'],
    ['[orchestrator.oci.routes.kcl]\nregistry = "a.example"', 'routes."kcl"'],
    ['"a" = "http://a.example"\n"b" = "https://a.example"', 'routes '],
  ])('with %s is refused when it is read, and the message names it', async (line, name) => {
    await expect(load(`[orchestrator.oci.routes]\n${line}`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(name),
      hint: expect.stringContaining('docs/'),
    });
  });

  it('that contradicts the default registry is refused', async () => {
    const { values } = await load(
      '[orchestrator.oci]\nregistry_url = "http://a.example"\nroutes = { kcl = "https://a.example" }',
    );
    expect(() => routeTable(values)).toThrow(/^registry_url and routes: a\.example has two/);
  });
});
