import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createMemoryObjectStore } from '@oci/cache';
import { openRepository } from '@oci/client';
import { parseRepositoryName, parseTag } from '@oci/spec-types';
import {
  type ArtifactBytes,
  type TemporaryDirectory,
  image,
  imageIndex,
  inChunks,
  startDockerRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { readAll } from '../../test/stored-repositories.js';
import { type HostedRegistry, createHostedRegistry } from '../hosted/hosted-registry.js';
import { dockerRegistryPaths } from './docker-registry-source.js';
import { type ImportOptions, importRepositories } from './import-repositories.js';
import { openImportSource } from './import-source.js';
import { TransferReport } from './transfer-report.js';

const base = image();
const docker = imageIndex({ docker: true });
const index = imageIndex();
const signature = image({
  layers: [{ sig: 'x' }],
  artifactType: 'application/x-signature',
  subject: index.manifest.descriptor,
});

async function push(
  url: string,
  { artifact, tag }: { readonly artifact: ArtifactBytes; readonly tag?: string },
): Promise<void> {
  await using opened = openRepository(url);
  const { repository } = opened;
  for (const child of artifact.children) await push(url, { artifact: child });
  for (const { descriptor, bytes } of artifact.blobs)
    await repository.pushBlob(descriptor, inChunks(bytes));
  await repository.pushManifest(artifact.manifest, tag === undefined ? {} : { tag: parseTag(tag) });
}

async function imported(
  path: string,
  options: ImportOptions = {},
  registry: HostedRegistry = createHostedRegistry(createMemoryObjectStore()),
): Promise<{ registry: HostedRegistry; report: TransferReport; problems: unknown }> {
  const report = new TransferReport();
  await importRepositories({ registry, source: await openImportSource(path) }, report, options);
  const { problems } = report.result({}).json as { problems: unknown };
  return { registry, report, problems };
}

describePeer('docker-registry', 'the directory of a docker-registry', () => {
  let work: TemporaryDirectory;
  let dir: string;
  beforeAll(async () => {
    work = await temporaryDirectory();
    dir = join(work.path, 'storage');
    await using server = await startDockerRegistry({ dir });
    const at = (name: string): string => `${server.host}/${name}`;
    await push(at('base'), { artifact: base, tag: '1.0' });
    await push(at('base'), { artifact: base, tag: 'Gone' });
    await push(at('team/app'), { artifact: index, tag: 'Latest' });
    await push(at('team/app'), { artifact: signature });
    await push(at('team/app'), { artifact: base, tag: 'old' });
    await push(at('team/app'), { artifact: index, tag: 'old' });
    await push(at('team/app/docker'), { artifact: docker, tag: '2' });
    await rm(join(dir, dockerRegistryPaths.repositories, 'base/_manifests/tags/Gone'), {
      recursive: true,
    });
    await fetch(`${server.url}/v2/team/app/manifests/${base.manifest.descriptor.digest}`, {
      method: 'DELETE',
    });
  });
  afterAll(() => work.remove());

  test('is imported with its tags, indexes and referrers, and a second time changes nothing', async () => {
    const { registry, report, problems } = await imported(dir);
    expect(problems).toEqual([]);
    // The client keeps a list of referrers under a tag, since docker-registry has none.
    expect(report).toMatchObject({ repositories: 3, tags: { copied: 5 } });
    const state = await readAll(registry);
    expect(Object.keys(state)).toEqual(['base', 'team/app', 'team/app/docker']);
    const digestOfTag = async (name: string, tag: string): Promise<unknown> =>
      (await registry.manifests.resolve(parseRepositoryName(name), { tag: parseTag(tag) }))?.digest;
    expect(await digestOfTag('base', '1.0')).toBe(base.manifest.descriptor.digest);
    expect(await digestOfTag('base', 'Gone')).toBeUndefined();
    for (const tag of ['Latest', 'old'])
      expect(await digestOfTag('team/app', tag)).toBe(index.manifest.descriptor.digest);
    expect(await digestOfTag('team/app/docker', '2')).toBe(docker.manifest.descriptor.digest);
    expect(state['team/app']).toMatchObject({
      manifests: {
        [index.manifest.descriptor.digest]: {
          referrers: [{ digest: signature.manifest.descriptor.digest }],
        },
      },
    });
    // What the repository does not have is not taken from others that do.
    expect(state['team/app']).not.toHaveProperty(['manifests', base.manifest.descriptor.digest]);
    const again = await imported(dir, {}, registry);
    expect(again.report).toMatchObject({ problemCount: 0, bytes: 0, tags: { copied: 0 } });
    expect(await readAll(registry)).toEqual(state);
  });

  test('goes below a prefix, and only what was chosen', async () => {
    const { registry } = await imported(dir, { into: 'old/hub', namespace: ['team'] });
    expect(Object.keys(await readAll(registry))).toEqual([
      'old/hub/team/app',
      'old/hub/team/app/docker',
    ]);
    const long = await imported(dir, { into: 'n'.repeat(250), repository: ['team/app'] });
    expect(long.problems).toEqual([expect.objectContaining({ code: 'REFERENCE_INVALID' })]);
  });

  test('moves no tag that is there, unless that is wanted', async () => {
    const { registry } = await imported(dir);
    const name = parseRepositoryName('base');
    const tag = parseTag('1.0');
    await registry.manifests.put(name, signature.manifest, { tags: [tag], isSparse: true });
    const kept = await imported(dir, {}, registry);
    expect(kept.problems).toEqual([
      expect.objectContaining({ repository: 'base', subject: '1.0', code: 'TAG_EXISTS' }),
    ]);
    expect(await registry.manifests.resolve(name, { tag })).toMatchObject({
      digest: signature.manifest.descriptor.digest,
    });
    expect((await imported(dir, { overwrite: true }, registry)).problems).toEqual([]);
    expect(await registry.manifests.resolve(name, { tag })).toMatchObject({
      digest: base.manifest.descriptor.digest,
    });
  });

  test('is not believed: what is hostile or damaged is left out, and the rest comes', async () => {
    const hostile = join(work.path, 'hostile');
    await cp(dir, hostile, { recursive: true });
    const at = (...names: string[]): string =>
      join(hostile, dockerRegistryPaths.repositories, ...names);
    const layer = base.blobs.at(-1)?.descriptor.digest;
    if (!layer) throw new Error('no layer');
    const blob = join(hostile, dockerRegistryPaths.blob(layer));
    await writeFile(blob, 'other bytes');
    const link = at('team/app/docker/_manifests/tags/2/current/link');
    const secret = join(work.path, 'secret');
    await writeFile(secret, docker.manifest.descriptor.digest);
    await rm(link);
    await symlink(secret, link);
    await symlink(dir, at('linked'));
    await mkdir(at('Upper', '_manifests'), { recursive: true });
    const huge = at('team/app/_manifests/tags/huge/current');
    await mkdir(huge, { recursive: true });
    await writeFile(join(huge, 'link'), 'x'.repeat(10_000));
    const dangling = at('team/app/_manifests/tags/dangling/current');
    await mkdir(dangling, { recursive: true });
    await writeFile(join(dangling, 'link'), base.manifest.descriptor.digest);
    await mkdir(at('team/app/_manifests/tags/-wrong/current'), { recursive: true });
    // Its bytes are there, but the repository was not given them.
    const unlinked = signature.blobs.at(-1)?.descriptor.digest ?? layer;
    await rm(at('team/app/_layers', unlinked.replace(':', '/')), { recursive: true });
    const { registry, problems } = await imported(hostile);
    const state = await readAll(registry);
    expect(state).not.toHaveProperty('linked');
    expect(state['team/app']).toHaveProperty(
      ['manifests', signature.manifest.descriptor.digest, 'blobs', unlinked],
      'missing',
    );
    expect(state['team/app']).toHaveProperty('tags.Latest');
    expect(state['team/app']).not.toHaveProperty('tags.dangling');
    const codes = (problems as { code: string; subject?: string; repository: string }[]).map(
      ({ code, repository, subject }) => `${repository} ${subject ?? ''} ${code}`,
    );
    expect(codes).toEqual([
      'Upper  REFERENCE_INVALID',
      `base ${base.manifest.descriptor.digest} DIGEST_MISMATCH`,
      'base 1.0 MANIFEST_UNKNOWN',
      'linked  POLICY_REFUSED',
      'team/app huge LIMIT_EXCEEDED',
      'team/app dangling MANIFEST_UNKNOWN',
      'team/app/docker 2 POLICY_REFUSED',
    ]);
    expect(await readFile(secret, 'utf8')).toBe(docker.manifest.descriptor.digest);
  });
});
