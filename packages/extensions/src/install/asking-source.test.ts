import { join } from 'node:path';

import { OciManager } from '@oci/manager';
import {
  type TemporaryDirectory,
  type TestRegistry,
  extensionArtifact,
  sampleExtensionFiles,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { askingSource, publishedDigest } from './asking-source.js';
import { type InstalledGraph, installExtensionGraph } from './install-graph.js';

let work: TemporaryDirectory;
let registry: TestRegistry;
let manager: OciManager;

beforeEach(async () => {
  work = await temporaryDirectory();
  registry = await startRegistry();
  manager = new OciManager({
    registryUrl: registry.url,
    namespace: 'extensions',
    cacheDir: join(work.path, 'cache'),
    connection: { retry: { attempts: 1 } },
  });
});
afterEach(async () => {
  await manager.close();
  await registry.close();
  await work.remove();
});

function publish(content: string): void {
  const target = { type: 'taskserv', name: 'tool', version: '1.0.0' } as const;
  const files = { ...sampleExtensionFiles('taskserv', 'tool', '1.0.0'), 'more.k': content };
  registry.putArtifact(
    'extensions/taskserv/tool',
    '1.0.0',
    extensionArtifact({ ...target, files }),
  );
}

async function install(): Promise<InstalledGraph & { readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const request = { type: 'taskserv', name: 'tool', range: '1.0.0' } as const;
  const options = { installDir: join(work.path, 'installed') };
  const source = askingSource(manager, (event) => {
    if (event.type === 'warning') warnings.push(event.message);
  });
  return { ...(await installExtensionGraph(source, request, options)), warnings };
}

const told = (text: string) => expect.arrayContaining([expect.stringContaining(text)]);

test('a version that was published again is installed as it is now', async () => {
  publish('a = 1\n');
  const first = await install();
  publish('a = 2\n');
  const second = await install();
  expect(second.extension.changed).toBe(true);
  expect(second.extension.manifestDigest).not.toBe(first.extension.manifestDigest);
  expect(second.warnings).toEqual(told('was published again'));
  const { reference } = await manager.pullExtensionArtifact('taskserv', 'tool', '1.0.0');
  expect(await publishedDigest(manager, reference)).toBe(second.extension.manifestDigest);
});

test('a version that did not move costs one HEAD', async () => {
  publish('a = 1\n');
  await install();
  registry.clearRequests();
  const { extension, warnings } = await install();
  expect([extension.changed, warnings]).toEqual([false, []]);
  expect(registry.requests.map(({ method }) => method)).toEqual(['HEAD']);
});

test('without an answer the cached version is installed, with a warning', async () => {
  publish('a = 1\n');
  await install();
  await registry.close();
  const { extension, warnings } = await install();
  expect(extension.changed).toBe(false);
  expect(warnings).toEqual(told('is taken from the cache'));
});
