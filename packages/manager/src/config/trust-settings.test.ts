import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TemporaryDirectory, temporaryDirectory } from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { generateKeyPair } from '../signing/index.js';
import { loadSettings } from './load.js';
import { settingEntries } from './setting-entries.js';
import { trustRules } from './trust-settings.js';

describe('the table trust', () => {
  let work: TemporaryDirectory;

  beforeEach(async () => {
    work = await temporaryDirectory('oci-trust-settings-');
  });
  afterEach(() => work.remove());

  async function load(table: string) {
    const configFile = join(work.path, 'config.toml');
    await writeFile(configFile, `[orchestrator.oci.trust]\n${table}`);
    return loadSettings({ configFile, env: {} });
  }

  it('says who has to have signed, by files beside it', async () => {
    await mkdir(join(work.path, 'keys'));
    await writeFile(join(work.path, 'keys/a.pub'), (await generateKeyPair()).publicKey);
    const settings = await load(
      '"registry.example/team" = { keys = ["keys/a.pub"] }\n"*" = { require = "reject" }\n"localhost:5000" = { require = "nothing" }',
    );
    const rules = trustRules(settings.values.trust);
    expect(rules.map(({ scope, require }) => [scope, require])).toEqual([
      ['registry.example/team', 'signature'],
      ['*', 'reject'],
      ['localhost:5000', 'nothing'],
    ]);
    const authority = await rules[0]?.authority();
    expect(authority).toMatchObject({ keys: [{}], fingerprint: expect.any(String) });
    expect(settingEntries(settings)).toContainEqual({
      source: expect.stringContaining('config.toml'),
      key: 'trust."registry.example/team".keys',
      value: [join(work.path, 'keys/a.pub')],
    });
  });

  it('says how many, by which identities, and what has to be attested', async () => {
    for (const name of ['a', 'b'])
      await writeFile(join(work.path, `${name}.pub`), (await generateKeyPair()).publicKey);
    const settings = await load(`
      [orchestrator.oci.trust."registry.example"]
      keys = ["a.pub", "b.pub"]
      threshold = 2
      mode = "warn"
      [[orchestrator.oci.trust."registry.example".attestations]]
      type = "slsaprovenance1"
      keys = ["b.pub"]
      source_repository = "https://github.com/team/tool"
      max_age_days = 30
      [[orchestrator.oci.trust."registry.example".attestations]]
      type = "spdx"`);
    const [rule] = trustRules(settings.values.trust);
    expect(rule).toMatchObject({ require: 'signature', mode: 'warn' });
    const demand = await rule?.authority();
    expect(demand).toMatchObject({
      keys: [{}, {}],
      threshold: 2,
      attestations: [
        {
          predicateType: 'slsaprovenance1',
          conditions: { repository: 'https://github.com/team/tool', maxAgeDays: 30 },
          authority: { keys: [demand?.keys[1]] },
        },
        { predicateType: 'spdx', authority: { keys: demand?.keys } },
      ],
    });
  });

  it.each([
    ['Registry.Example', 'registry.example'],
    ['index.docker.io', 'docker.io'],
    ['Registry.Example/team', 'registry.example/team'],
  ])('takes the scope %s for %s, as references do', async (written, scope) => {
    const { values } = await load(`"${written}" = { require = "reject" }`);
    expect(trustRules(values.trust).map((rule) => rule.scope)).toEqual([scope]);
  });

  it.each([
    ['"registry.example" = {}', /whose/],
    ['"registry.example" = { keys = [] }', /whose/],
    ['"registry.example" = { require = "signatures" }', /one of signature, nothing, reject/],
    ['"registry.example" = { require = "nothing", keys = ["a"] }', /requires nothing/],
    ['"registry.example" = { trusted_root = "a" }', /together/],
    ['"registry.example" = { certificate_identity = "a", keys = ["a"] }', /together/],
    ['"registry.example" = { keys = ["a"], threshold = 2 }', /threshold 2, and names 1/],
    ['"registry.example" = { keys = ["a"], threshold = 0 }', /requires no attestation/],
    ['"registry.example" = { keys = ["a"], mode = "off" }', /one of enforce, warn/],
    ['"registry.example" = { keys = ["a"], attestations = [{}] }', /type.*missing/],
    ['"registry.example" = { keys = ["a"], attestations = [{ type = "x" }] }', /no type of/],
    [
      '"registry.example" = { threshold = 0, attestations = [{ type = "spdx" }] }',
      /who may attest/,
    ],
    [
      '"registry.example" = { trusted_root = "r", identities = [{ identity = "a*", issuer = "i" }] }',
      /no pattern of identities/,
    ],
    ['"registry.example" = { identities = [{ identity = "a", issuer = "i" }] }', /together/],
    ['"registry.example" = { key = "a" }', /unknown key trust\."registry\.example"\.key /],
    ['"https://registry.example" = { keys = ["a"] }', /trust/],
    ['"registry.example/UPPER" = { keys = ["a"] }', /trust/],
    ['"registry.example/*" = { keys = ["a"] }', /trust/],
    [
      '"docker.io" = { require = "nothing" }\n"Index.Docker.io" = { require = "reject" }',
      /another table of docker\.io/,
    ],
  ])('refuses %s', async (table, message) => {
    await expect(load(table)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it.each(['no key', undefined])('trusts nothing when a key file is %s', async (text) => {
    if (text !== undefined) await writeFile(join(work.path, 'a.pub'), text);
    const [rule] = trustRules(
      (await load('"registry.example" = { keys = ["a.pub"] }')).values.trust,
    );
    await expect(rule?.authority()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
