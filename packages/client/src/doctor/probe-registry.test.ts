import { type Digest, isTag, parseRepositoryName } from '@oci/spec-types';
import {
  type TestRegistry,
  dockerRegistryCredential,
  image,
  startDockerRegistry,
  startRegistry,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { describe, expect, test } from 'vitest';

import { staticCredentials } from '../credentials/credential.js';
import type { Probe, ProbeName, RegistryReport } from './probe.js';
import { probeRegistry } from './probe-registry.js';

const name = parseRepositoryName('team/app');
const other = parseRepositoryName('team/other');
const user = { username: 'tester', password: 'secret' };
const retry = { delay: async () => {} };

function find<Name extends ProbeName>(
  report: RegistryReport,
  name: Name,
): (Probe & { readonly name: Name }) | undefined {
  return report.probes.find((probe): probe is Probe & { name: Name } => probe.name === name);
}

function outcomes(report: RegistryReport): Readonly<Record<string, string>> {
  return Object.fromEntries(report.probes.map(({ name, outcome }) => [name, outcome]));
}

function fill(registry: TestRegistry): void {
  for (const tag of ['1.0.0', '1.1.0']) registry.putArtifact(name, tag, image());
}

describe('a registry that can all', () => {
  test('is seen to, without being written to', async () => {
    await using registry = await startRegistry({ pageSize: 1 });
    fill(registry);
    const report = await probeRegistry({ url: registry.url, retry }, { repository: name });
    expect(report).toMatchObject({ host: registry.host, origin: registry.url });
    expect(outcomes(report)).toEqual({
      connection: 'ok',
      tls: 'skipped',
      api: 'missing',
      clock: 'ok',
      authentication: 'ok',
      catalog: 'ok',
      tags: 'ok',
      manifests: 'ok',
      ranges: 'ok',
      referrers: 'ok',
    });
    expect(new Set(registry.requests.map(({ method }) => method))).toEqual(
      new Set(['GET', 'HEAD']),
    );
  });

  test('is written to when that is asked for, and left as it was', async () => {
    await using registry = await startRegistry();
    fill(registry);
    const before = contentOf(registry);
    const report = await probeRegistry(
      { url: registry.url, retry },
      { repository: name, write: true, mountInto: other },
    );
    expect(outcomes(report)).toMatchObject({
      upload: 'ok',
      chunks: 'ok',
      mount: 'ok',
      push: 'ok',
      deletion: 'ok',
    });
    const evidence = { tags: true, manifests: true, blobs: true, left: [] };
    expect(find(report, 'deletion')?.evidence).toEqual(evidence);
    expect(isTag(find(report, 'push')?.evidence?.tag ?? '')).toBe(true);
    expect(contentOf(registry)).toEqual(before);
    expect(registry.openUploads).toBe(0);
  });

  test('tells of each probe as it ends', async () => {
    await using registry = await startRegistry();
    const seen: string[] = [];
    const operation = probeRegistry({ url: registry.url, retry });
    for await (const probe of operation) seen.push(probe.name);
    expect(seen).toEqual((await operation).probes.map((probe) => probe.name));
    expect(seen).toHaveLength(6);
  });
});

describe('a registry that can little', () => {
  test('is seen to lack what it lacks', async () => {
    await using registry = await startRegistry({
      catalog: false,
      referrers: false,
      mounts: false,
      deletes: false,
    });
    fill(registry);
    registry.fault({ path: '/blobs/', method: 'GET', ignoreRange: true });
    registry.fault({ path: '/manifests/', omitHeaders: ['docker-content-digest'] });
    const report = await probeRegistry(
      { url: registry.url, retry },
      { repository: name, write: true, mountInto: other },
    );
    expect(outcomes(report)).toMatchObject({
      catalog: 'missing',
      manifests: 'missing',
      ranges: 'missing',
      referrers: 'missing',
      mount: 'missing',
      deletion: 'missing',
    });
    const { left } = find(report, 'deletion')?.evidence ?? {};
    expect(left?.[0]).toBe(`${name}:${find(report, 'push')?.evidence?.tag}`);
    expect(left).toHaveLength(4);
  });

  test('lists all tags though one is asked for', async () => {
    await using registry = await startRegistry();
    fill(registry);
    registry.fault({
      path: '/tags/list',
      status: 200,
      body: { name, tags: ['1.0.0', '1.1.0'] },
      headers: { 'content-type': 'application/json' },
    });
    const report = await probeRegistry({ url: registry.url, retry }, { repository: name });
    expect(find(report, 'tags')).toMatchObject({ outcome: 'missing', evidence: { tags: 2 } });
  });

  test('has nothing in the repository to look at', async () => {
    await using registry = await startRegistry();
    registry.putBlob(name, new Uint8Array(1));
    const report = await probeRegistry({ url: registry.url, retry }, { repository: name });
    expect(outcomes(report)).toMatchObject({ manifests: 'skipped', ranges: 'skipped' });
  });
});

test.each([
  [true, 'skipped'],
  [false, 'problem'],
])('a repository that is not there yet, with write: %s, is %s', async (write, outcome) => {
  await using registry = await startRegistry();
  fill(registry);
  const options = { repository: parseRepositoryName('team/new'), write };
  const report = await probeRegistry({ url: registry.url, retry }, options);
  expect(find(report, 'tags')).toMatchObject({
    outcome,
    summary: 'There is no repository team/new',
  });
});

describe('the clock', () => {
  test.each([
    [120, 'warning', 'ahead of ours'],
    [-3600, 'warning', 'behind ours'],
    [20, 'ok', 'agree'],
  ])('that is %i s off', async (seconds, outcome, says) => {
    await using registry = await startRegistry();
    const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + seconds * 1000).toUTCString();
    registry.fault({ path: '/v2/', headers: { date } });
    const report = await probeRegistry({ url: registry.url, retry });
    const clock = find(report, 'clock');
    expect(clock?.outcome).toBe(outcome);
    expect(clock?.summary).toContain(says);
    // Its seconds are whole, and the answer takes a moment.
    expect(clock?.evidence?.skewSeconds).toBeGreaterThan(seconds - 30);
    expect(clock?.evidence?.skewSeconds).toBeLessThan(seconds + 30);
  });

  test('that is not told', async () => {
    await using registry = await startRegistry();
    registry.fault({ path: '/v2/', headers: { date: 'never' } });
    const report = await probeRegistry({ url: registry.url, retry });
    expect(find(report, 'clock')?.outcome).toBe('skipped');
  });
});

describe('authentication', () => {
  test('by a token server is told, and that it lets us in', async () => {
    await using registry = await startRegistry({ auth: { bearer: user } });
    fill(registry);
    const from = '/home/me/.docker/config.json';
    const credentials = staticCredentials(registry.host, { kind: 'password', ...user, from });
    const report = await probeRegistry(
      { url: registry.url, retry, credentials },
      { repository: name, write: true },
    );
    expect(find(report, 'authentication')).toMatchObject({
      outcome: 'ok',
      summary: `It lets us in by bearer as ${user.username} from ${from}`,
      evidence: {
        scheme: 'bearer',
        realm: expect.stringContaining(registry.host),
        isLetIn: true,
        credential: `${user.username} from ${from}`,
      },
    });
    expect(outcomes(report)).toMatchObject({ ranges: 'ok', push: 'ok', deletion: 'ok' });
    expect(JSON.stringify(report)).not.toContain(user.password);
  });

  test('without credentials is a finding, and no failure', async () => {
    await using registry = await startRegistry({ auth: { basic: user } });
    const report = await probeRegistry({ url: registry.url, retry }, { repository: name });
    expect(find(report, 'connection')?.outcome).toBe('ok');
    expect(find(report, 'authentication')).toMatchObject({
      outcome: 'problem',
      evidence: { scheme: 'basic', isLetIn: false },
    });
  });
});

describe('TLS', () => {
  test('is told: protocol, chain, how long it lasts', async () => {
    await using registry = await startRegistry({ tls: true });
    const report = await probeRegistry({ url: registry.url, retry, ca: registry.ca });
    const tls = find(report, 'tls');
    expect(tls).toMatchObject({
      outcome: expect.stringMatching(/ok|warning/),
      evidence: { isTrusted: true, protocol: expect.stringMatching(/^TLSv1\.[23]$/) },
    });
    expect(tls?.evidence?.chain[0]?.names).toContain('127.0.0.1');
    expect(tls?.evidence?.chain).toHaveLength(1);
    expect(Date.parse(tls?.evidence?.validTo ?? '')).toBeGreaterThan(Date.now());
  });

  test('that is not trusted is a finding, with the reason and the certificate', async () => {
    await using registry = await startRegistry({ tls: true });
    const report = await probeRegistry({ url: registry.url, retry });
    expect(outcomes(report)).toEqual({ connection: 'problem', tls: 'problem' });
    expect(find(report, 'connection')?.error?.code).toBe('TLS');
    expect(find(report, 'tls')?.evidence).toMatchObject({
      isTrusted: false,
      reason: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    const insecure = await probeRegistry({ url: registry.url, retry, insecure: true });
    expect(outcomes(insecure)).toMatchObject({ connection: 'ok', tls: 'warning', catalog: 'ok' });
  });
});

describe('what fails', () => {
  test('to be reached is a finding', async () => {
    const registry = await startRegistry();
    await registry.close();
    const report = await probeRegistry({ url: registry.url, retry });
    expect(outcomes(report)).toEqual({ connection: 'problem', tls: 'skipped' });
    expect(find(report, 'connection')?.error?.code).toBe('NETWORK');
  });

  test('to be a registry is a finding', async () => {
    await using registry = await startRegistry();
    registry.fault({ path: '/v2/', status: 404, body: 'a page' });
    const report = await probeRegistry({ url: registry.url, retry });
    expect(find(report, 'connection')).toMatchObject({
      outcome: 'problem',
      evidence: { status: 404 },
    });
  });

  test('in the middle is a finding, and what was written is removed', async () => {
    await using registry = await startRegistry();
    fill(registry);
    const before = contentOf(registry);
    registry.fault({ method: 'PUT', path: '/manifests/', status: 500, handled: true });
    const report = await probeRegistry(
      { url: registry.url, retry },
      { repository: name, write: true },
    );
    expect(outcomes(report)).toMatchObject({ upload: 'ok', push: 'problem' });
    expect(contentOf(registry).blobs).toEqual(before.blobs);
  });

  test('to be deleted is told with who may not and what is left there', async () => {
    await using registry = await startRegistry({ auth: { basic: user } });
    fill(registry);
    registry.fault({ method: 'DELETE', path: /./, status: 403 });
    const credentials = staticCredentials(registry.host, { kind: 'password', ...user });
    const report = await probeRegistry(
      { url: registry.url, retry, credentials },
      { repository: name, write: true },
    );
    const deletion = find(report, 'deletion');
    const left = deletion?.evidence?.left ?? [];
    expect(left[0]).toMatch(/^team\/app:oci-doctor-/);
    expect(deletion).toMatchObject({
      outcome: 'problem',
      summary: `Deleting is denied for tester; left there: ${left.join(', ')}`,
      error: { code: 'DENIED' },
    });
  });

  test('is an abort, after which what was written is removed', async () => {
    await using registry = await startRegistry();
    fill(registry);
    const before = contentOf(registry);
    const controller = new AbortController();
    const operation = probeRegistry(
      { url: registry.url, retry },
      { repository: name, write: true, signal: controller.signal },
    );
    operation.on((probe) => probe.name === 'push' && controller.abort());
    await expect(operation).rejects.toMatchObject({ code: 'ABORTED' });
    expect(contentOf(registry)).toEqual(before);
  });

  test('is a wish to write nowhere', async () => {
    const options = { url: 'http://127.0.0.1:1' };
    for (const wish of [{ write: true }, { repository: name, mountInto: other }])
      await expect(probeRegistry(options, wish)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describePeer('docker-registry', 'docker-registry', () => {
  test('is examined, and left as it was', async () => {
    await using registry = await startDockerRegistry({ auth: true });
    const credentials = staticCredentials(registry.host, {
      kind: 'password',
      ...dockerRegistryCredential,
    });
    const report = await probeRegistry(
      { url: registry.url, credentials },
      { repository: name, write: true, mountInto: other },
    );
    expect(outcomes(report)).toMatchObject({
      connection: 'ok',
      api: 'ok',
      authentication: 'ok',
      catalog: 'ok',
      upload: 'ok',
      chunks: 'ok',
      mount: 'ok',
      push: 'ok',
      deletion: 'ok',
    });
    expect(find(report, 'deletion')?.evidence?.left).toEqual([]);
  });
});

function contentOf(registry: TestRegistry): {
  readonly tags: readonly string[];
  readonly manifests: readonly Digest[];
  readonly blobs: readonly Digest[];
} {
  const contents = [...registry.repositories.values()];
  return {
    tags: contents.flatMap(({ tags }) => [...tags.keys()]),
    manifests: contents.flatMap(({ manifests }) => [...manifests.keys()]),
    blobs: contents.flatMap(({ blobs }) => [...blobs.keys()]),
  };
}
