import { createHash } from 'node:crypto';
import { access, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { createRegistry } from '@oci/client';
import { parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

import { OciManager } from './manager.js';
import type { OciManagerOptions } from './oci-manager-options.js';
import {
  type SigningKey,
  type TrustDemand,
  attestArtifact,
  generateKeyPair,
  readSigningKey,
  signArtifact,
} from './signing/index.js';
import { type TrustRule, trustRuleFor } from './trust-policy.js';

const [key, otherKey] = await Promise.all([newKey(), newKey()]);

async function newKey(): Promise<SigningKey> {
  return readSigningKey((await generateKeyPair()).privateKey);
}

function signedBy({ publicKey }: SigningKey, scope = '*'): TrustRule {
  const authority = async () => ({ keys: [publicKey], fingerprint: publicKey.hint });
  return { scope, require: 'signature', authority };
}

function rule(scope: string, require: 'nothing' | 'reject'): TrustRule {
  return { scope, require, authority: async () => ({ keys: [], fingerprint: '' }) };
}

describe('a pull where a signature is required', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-trust-');
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  function managerOf(trust: readonly TrustRule[], options: Partial<OciManagerOptions> = {}) {
    return new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir: join(work.path, 'cache'),
      credentials: async () => undefined,
      trust,
      ...options,
    });
  }

  async function sign(by: SigningKey): Promise<void> {
    const client = createRegistry({ url: registry.url });
    const repository = client.repository(parseRepositoryName('kcl/core'));
    const manifest = await repository.fetch(parseTag('1.0.0'));
    await signArtifact(repository, manifest, by, { repositoryName: `${registry.host}/kcl/core` });
    await client.close();
  }

  it('gives what is signed, and asks nobody again', async () => {
    await sign(key);
    await using manager = managerOf([signedBy(key)]);
    const { path } = await manager.pullKclPackage('core', '1.0.0');
    expect((await readFile(path)).byteLength).toBeGreaterThan(0);
    const asked = registry.requests.length;
    await manager.pullKclPackage('core', '1.0.0');
    await using offline = managerOf([signedBy(key)], { freshness: { offline: true } });
    expect(await offline.pullKclPackage('core', '1.0.0')).toMatchObject({ fromCache: true });
    expect(registry.requests.length).toBe(asked);
  });

  function demanding(demand: Partial<TrustDemand>, mode?: TrustRule['mode']): TrustRule {
    const keys = [key.publicKey, otherKey.publicKey];
    const authority = async () => ({ keys, fingerprint: JSON.stringify(demand), ...demand });
    return { scope: '*', require: 'signature', mode, authority };
  }

  async function attest(predicateType: string): Promise<void> {
    const client = createRegistry({ url: registry.url });
    const repository = client.repository(parseRepositoryName('kcl/core'));
    const manifest = await repository.fetch(parseTag('1.0.0'));
    await attestArtifact(repository, manifest, key, { predicateType, predicate: {} });
    await client.close();
  }

  it('asks for as many different signers as the rule says', async () => {
    await sign(key);
    await using one = managerOf([demanding({ threshold: 2 })]);
    await expect(one.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
      message: expect.stringContaining('is signed by 1 of those who may, and needs 2'),
    });
    await sign(otherKey);
    await using both = managerOf([demanding({ threshold: 2 })]);
    await both.pullKclPackage('core', '1.0.0');
    const asked = registry.requests.length;
    const offline = { freshness: { offline: true } };
    await using later = managerOf([demanding({ threshold: 2 })], offline);
    expect(await later.pullKclPackage('core', '1.0.0')).toMatchObject({ fromCache: true });
    expect(registry.requests.length).toBe(asked);
  });

  it('asks for the attestations that the rule names, instead of a signature or besides', async () => {
    const attestations = [{ predicateType: 'spdx' }, { predicateType: 'vuln' }];
    const rules = [demanding({ threshold: 0, attestations })];
    await attest('spdx');
    await using lacking = managerOf(rules);
    await expect(lacking.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
      message: expect.stringContaining('no attestation of https://cosign.sigstore.dev'),
    });
    await attest('vuln');
    await using manager = managerOf(rules);
    await manager.pullKclPackage('core', '1.0.0');
    await using offline = managerOf(rules, { freshness: { offline: true } });
    expect(await offline.pullKclPackage('core', '1.0.0')).toMatchObject({ fromCache: true });
    await using besides = managerOf([demanding({ attestations })]);
    await expect(besides.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
  });

  it('lets through with a warning where the rule says so', async () => {
    await using manager = managerOf([demanding({}, 'warn')]);
    const warnings: string[] = [];
    const pull = manager.pullKclPackage('core', '1.0.0');
    pull.on((event) => void (event.type === 'warning' && warnings.push(event.message)));
    await pull;
    expect(warnings).toEqual([
      expect.stringMatching(/trust rule of \* is not fulfilled: .* is not signed/),
    ]);
    expect(manager.metrics()).toMatchObject({ trustWarnings: 1 });
  });

  it('gives nothing that is not signed, and downloads no content of it', async () => {
    await using manager = managerOf([signedBy(key)]);
    await expect(manager.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    });
    expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    await expect(access(join(work.path, 'cache/kcl'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives nothing of another key, also past the cache', async () => {
    await sign(otherKey);
    await using manager = managerOf([signedBy(key)]);
    const output = join(work.path, 'out.tar.gz');
    for (const options of [{}, { output }])
      await expect(manager.pullKclPackage('core', '1.0.0', options)).rejects.toMatchObject({
        code: 'SIGNATURE_INVALID',
      });
    await using uncached = managerOf([signedBy(key)], { cacheDir: '/dev/null/cache' });
    await expect(uncached.pullKclPackage('core', '1.0.0', { output })).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
    await expect(access(output)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives nothing from the cache that came before it was required', async () => {
    await using before = managerOf([]);
    await before.pullKclPackage('core', '1.0.0');
    await using manager = managerOf([signedBy(key)]);
    await expect(manager.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_MISSING',
    });
    await using offline = managerOf([signedBy(key)], { freshness: { offline: true } });
    await expect(offline.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'OFFLINE',
      message: expect.stringContaining('never verified'),
    });
  });

  it('verifies again when another key has to have signed, and when it is refreshed', async () => {
    await sign(key);
    await using manager = managerOf([signedBy(key)]);
    await manager.pullKclPackage('core', '1.0.0');
    await using stricter = managerOf([signedBy(otherKey)]);
    await expect(stricter.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'SIGNATURE_INVALID',
    });
    registry.clearRequests();
    await using fresh = managerOf([signedBy(key)], { freshness: { refresh: true } });
    await fresh.pullKclPackage('core', '1.0.0');
    expect(registry.requests.some(({ path }) => path.includes('/referrers/'))).toBe(true);
  });

  it('verifies again what was noted in a cache that was cleared', async () => {
    await sign(key);
    await using manager = managerOf([signedBy(key)]);
    await manager.pullKclPackage('core', '1.0.0');
    await (await manager.cache()).clear();
    await using offline = managerOf([signedBy(key)], { freshness: { offline: true } });
    await expect(offline.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'OFFLINE',
    });
  });

  it.each(['kcl', 'blobs'])(
    'gives what was signed when somebody changed the files below %s, and their records',
    async (part) => {
      await sign(key);
      await using manager = managerOf([signedBy(key)]);
      const pulled = await manager.pullKclPackage('core', '1.0.0');
      const right = await readFile(pulled.path);
      const directory = join(work.path, 'cache', part);
      for (const name of await readdir(directory, { recursive: true })) {
        const path = join(directory, name);
        const info = await stat(path);
        if (info.size !== right.byteLength || !info.isFile()) continue;
        const bytes = await readFile(path);
        await writeFile(path, bytes.fill(7, 20));
        const { mtimeMs } = await stat(path);
        const { mtimeNs, size, ino } = await stat(path, { bigint: true });
        const blobRecord = `${path.replace('/blobs/', '/records/')}.json`;
        if (part === 'blobs') {
          await mkdir(dirname(blobRecord), { recursive: true });
          await writeFile(blobRecord, `${mtimeNs}-${size}-${ino}`);
          continue;
        }
        const viewRecord = join(path, '..', 'view.json');
        const said = JSON.parse(await readFile(viewRecord, 'utf8')) as object;
        await writeFile(viewRecord, JSON.stringify({ ...said, mtimeMs }));
      }
      await using again = managerOf([signedBy(key)]);
      for (const one of [manager, again]) {
        const { path } = await one.pullKclPackage('core', '1.0.0');
        expect((await readFile(path)).equals(right)).toBe(true);
      }
    },
  );

  it('believes no note in the cache that somebody else made of a signature', async () => {
    await using before = managerOf([]);
    const { manifestDigest } = await before.pullKclPackage('core', '1.0.0');
    const { hint } = key.publicKey;
    const id = createHash('sha256').update(`${manifestDigest} ${hint}`).digest('hex');
    const notes = join(work.path, 'cache/state/signatures');
    await mkdir(notes, { recursive: true });
    const manifest = { mediaType: 'a/b', digest: manifestDigest, size: 2 };
    const forged = { form: 'bundle', manifest, content: { [manifestDigest]: 'e30=' } };
    for (const text of [manifestDigest, JSON.stringify(forged), '{}', 'null', '']) {
      await writeFile(join(notes, id), text);
      await using online = managerOf([signedBy(key)]);
      await expect(online.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
        code: 'SIGNATURE_MISSING',
      });
      await using offline = managerOf([signedBy(key)], { freshness: { offline: true } });
      await expect(offline.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
        code: 'OFFLINE',
      });
    }
  });

  it('is for what the rule is about, and may be for nothing, or for everything', async () => {
    const own = `${registry.host}/kcl`;
    await using allowing = managerOf([signedBy(key), rule(own, 'nothing')]);
    await allowing.pullKclPackage('core', '1.0.0');
    await using refusing = managerOf([rule(registry.host, 'reject')]);
    await expect(refusing.pullKclPackage('core', '1.0.0')).rejects.toMatchObject({
      code: 'POLICY_REFUSED',
    });
  });
});

test.each([
  ['registry.example', 'team/tool', 'registry.example/team/tool'],
  ['registry.example', 'team/tools', 'registry.example/team'],
  ['registry.example', 'teams', 'registry.example'],
  ['registry.example:443', 'team/tool', 'registry.example/team/tool'],
  ['registry.example:80', 'other', 'registry.example'],
  ['registry.example:5000', 'team/tool', '*'],
  ['registry.example:4430', 'team/tool', '*'],
  ['other.example', 'team/tool', '*'],
])('of %s the repository %s is under the rule %s', (registry, repository, scope) => {
  const rules = ['registry.example/team/tool', '*', 'registry.example', 'registry.example/team'];
  const name = {
    registry: parseRegistryHost(registry),
    repository: parseRepositoryName(repository),
  };
  const found = trustRuleFor(
    rules.map((text) => rule(text, 'reject')),
    name,
  );
  expect(found?.scope).toBe(scope);
});

test('a scope counts by what it says, not by how long it is written', () => {
  const name = {
    registry: parseRegistryHost('registry.example'),
    repository: parseRepositoryName('a/b'),
  };
  const of = (rules: readonly TrustRule[]): string | undefined => trustRuleFor(rules, name)?.scope;
  const [short, long] = ['registry.example/a', 'registry.example:443'];
  for (const scopes of [
    [short, long],
    [long, short],
  ])
    expect(of(scopes.map((scope) => rule(scope, 'nothing')))).toBe(short);
});

test('of two scopes for the same host the stricter rule counts, whatever the order', () => {
  const name = {
    registry: parseRegistryHost('registry.example'),
    repository: parseRepositoryName('a/b'),
  };
  const rules = [
    rule('registry.example:443', 'nothing'),
    rule('registry.example', 'reject'),
    rule('registry.example:80', 'nothing'),
  ];
  for (const order of [rules, [...rules].reverse()])
    expect(trustRuleFor(order, name)?.require).toBe('reject');
});
