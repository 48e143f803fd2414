import { OciManager } from '@oci/manager';
import type { TransferEvent } from '@oci/spec-types';
import {
  type ArtifactBytes,
  type KclEra,
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  helmChart,
  image,
  imageIndex,
  guideArtifact,
  kclPackage,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { extensionArtifactType } from '../pack/extension.js';
import { extensionCandidates, kclCandidates, newestWanted } from './newest.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let manager: OciManager;
let events: TransferEvent[];

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  manager = new OciManager({ registryUrl: registry.url, namespace: 'e', cacheDir: work.path });
  events = [];
});
afterEach(async () => {
  await manager.close();
  await registry.close();
  await work.remove();
});

const onEvent = (event: TransferEvent): void => void events.push(event);

function extension(version: string, type: 'taskserv' | 'provider' = 'taskserv'): ArtifactBytes {
  const files = sampleExtensionFiles(type, 'tool', version);
  const artifactType = extensionArtifactType(type);
  return extensionArtifact({ type, name: 'tool', version, files, artifactType });
}

async function newestTool(...ranges: readonly string[]): Promise<string | undefined> {
  const versions = await manager.listExtensionVersions('taskserv', 'tool');
  const of = { type: 'taskserv', name: 'tool', versions } as const;
  return newestWanted(extensionCandidates(of, manager, { onEvent }), ...ranges);
}

async function newestKcl(...ranges: readonly string[]): Promise<string | undefined> {
  const versions = await manager.listKclVersions('tool');
  return newestWanted(kclCandidates({ name: 'tool', versions }, manager, { onEvent }), ...ranges);
}

test.each<[string, ArtifactBytes, string]>([
  ['a container image', image(), 'it is a container image'],
  ['an image of two layers', image({ layers: [{ a: '' }, { b: '' }] }), 'it is a container image'],
  ['an index of images', imageIndex(), 'it is an index'],
  [
    'a chart',
    helmChart({ name: 'tool', version: '1.6.0', files: {} }),
    'it is of the kind helm-chart',
  ],
  ['an extension of another type', extension('1.6.0', 'provider'), 'it is a provider'],
])(
  '%s beside an extension is passed over (fluxcd/source-controller#1795)',
  async (_, other, reason) => {
    registry.putArtifact('e/taskserv/tool', '1.5.0', extension('1.5.0'));
    registry.putArtifact('e/taskserv/tool', '1.5.1', extension('1.5.1'));
    registry.putArtifact('e/taskserv/tool', 'v1.6.0', other);
    expect(await newestTool()).toBe('1.5.1');
    expect(await newestTool('^1')).toBe('1.5.1');
    const reference = `${new URL(registry.url).host}/e/taskserv/tool:v1.6.0`;
    const skipped = { type: 'skipped', reference, reason };
    expect(events).toEqual([skipped, skipped]);
  },
);

test('an artifact in the form of the user guide, with an image config, is not passed over', async () => {
  registry.putArtifact('e/taskserv/tool', '1.5.1', extension('1.5.1'));
  registry.putArtifact('e/taskserv/tool', '1.6.0', guideArtifact({ version: '1.6.0', files: {} }));
  expect(await newestTool()).toBe('1.6.0');
  expect(events).toEqual([]);
});

test('a chosen version is not asked for twice', async () => {
  for (const version of ['1.5.0', '1.5.1'])
    registry.putArtifact('e/taskserv/tool', version, extension(version));
  const chosen = (await newestTool()) ?? '';
  await manager.pullExtensionArtifact('taskserv', 'tool', chosen);
  const manifests = registry.requests.filter(({ path }) => path.includes('/manifests/'));
  expect(manifests.map(({ path }) => path.split('/').at(-1))).toEqual(['1.5.1']);
});

test('the only version is taken without a look', async () => {
  registry.putArtifact('e/taskserv/tool', 'v1.6.0', image());
  expect(await newestTool()).toBe('v1.6.0');
  expect(registry.requests.some(({ path }) => path.includes('/manifests/'))).toBe(false);
});

test('where the newest are all something else, a bounded number of manifests is read', async () => {
  registry.putArtifact('e/taskserv/tool', '1.0.0', extension('1.0.0'));
  for (let minor = 1; minor <= 20; minor += 1)
    registry.putArtifact('e/taskserv/tool', `v1.${minor}.0`, image());
  expect(await newestTool()).toBe('v1.20.0');
  expect(registry.requests.filter(({ path }) => path.includes('/manifests/'))).toHaveLength(8);
});

test.each<KclEra>(['v0.2', 'v0.3', 'v0.12'])('a KCL package of kpm %s is one', async (era) => {
  registry.putArtifact('kcl/tool', '1.0.0', kclPackage({ name: 'tool', version: '1.0.0', era }));
  registry.putArtifact('kcl/tool', '1.1.0', kclPackage({ name: 'tool', version: '1.1.0', era }));
  registry.putArtifact('kcl/tool', 'v1.2.0', image());
  expect(await newestKcl('^1')).toBe('1.1.0');
});

test('a tag whose manifest is gone is passed over, and a failing registry is not', async () => {
  registry.putArtifact('e/taskserv/tool', '1.5.0', extension('1.5.0'));
  registry.putArtifact('e/taskserv/tool', '1.5.1', extension('1.5.1'));
  const versions = ['1.5.0', '1.5.1', '1.6.0'];
  const of = { type: 'taskserv', name: 'tool', versions } as const;
  const candidates = extensionCandidates(of, manager, { onEvent });
  expect(await newestWanted(candidates)).toBe('1.5.1');
  await registry.close();
  manager.clearCache();
  const other = { ...of, versions: [...versions, '1.7.0'] };
  await expect(newestWanted(extensionCandidates(other, manager, {}))).rejects.toMatchObject({
    code: 'NETWORK',
  });
});
