import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  type TransferEvent,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type TestRegistry,
  collect,
  image,
  inChunks,
  randomBytes,
} from '@oci/testing';

import type { Registry } from '../../src/registry.js';
import type { RemoteRepository } from '../../src/repository/remote-repository.js';

export const name: RepositoryName = parseRepositoryName('faults/demo');
export const tag: Tag = parseTag('1.0.0');
export const artifact: ArtifactBytes = image();
export const blobBytes: Uint8Array = randomBytes(301, 300_000);
export const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(blobBytes),
  size: blobBytes.byteLength,
};
export const newBytes: Uint8Array = randomBytes(302, 100_000);
const newBlob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(newBytes),
  size: newBytes.byteLength,
};

/** What a row works on. */
export interface FaultSite {
  readonly registry: TestRegistry;
  readonly client: Registry;
  readonly directory: string;
  /** Where a download goes. */
  readonly path: string;
  readonly onEvent: (event: TransferEvent) => void;
}

/** An operation that says in a word that all is well, and checks it. */
type Operation = (site: FaultSite) => Promise<string>;

const repositoryOf = ({ client }: FaultSite): RemoteRepository => client.repository(name);

async function push(site: FaultSite, options: { chunkBytes?: number }): Promise<string> {
  const { onEvent, registry } = site;
  const content = { open: (offset: number) => inChunks(newBytes.subarray(offset), 9000) };
  try {
    await repositoryOf(site).pushBlob(newBlob, content, { onEvent, ...options });
  } finally {
    for (const [digest, bytes] of registry.repositories.get(name)?.blobs ?? []) {
      expectThat(digestOf(bytes) === digest, 'only right bytes are stored');
    }
  }
  const stored = registry.repositories.get(name)?.blobs.get(newBlob.digest);
  expectThat(stored !== undefined, 'the blob is stored');
  expectThat(registry.openUploads === 0, 'no upload is left open');
  return 'stored';
}

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  const iterator = items[Symbol.asyncIterator]();
  while (!(await iterator.next()).done) count += 1;
  return count;
}

function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new OciError('INTERNAL', `it does not hold that ${what}`);
}

function expectManifest(manifest: ResolvedManifest): string {
  const { digest } = artifact.manifest.descriptor;
  expectThat(digestOf(manifest.bytes) === digest, 'the manifest is the one that was pushed');
  return 'read';
}

export const operations = {
  ping: async ({ client, onEvent }) => {
    await client.ping({ onEvent });
    return 'read';
  },
  'read a manifest': async (site) =>
    expectManifest(await repositoryOf(site).fetch(tag, { onEvent: site.onEvent })),
  'read a manifest by digest': async (site) =>
    expectManifest(
      await repositoryOf(site).fetchManifest(artifact.manifest.descriptor, {
        onEvent: site.onEvent,
      }),
    ),
  'read a blob': async (site) => {
    const { onEvent } = site;
    const bytes = await collect(await repositoryOf(site).fetchBlob(blob, { onEvent }));
    expectThat(digestOf(bytes) === blob.digest, 'the bytes are right');
    return 'read';
  },
  download: async (site) => {
    const { onEvent, path, directory } = site;
    try {
      await repositoryOf(site).downloadBlob(blob, path, { onEvent });
    } catch (error) {
      const names = await readdir(directory).catch(() => []);
      expectThat(!names.some((found) => found === 'blob'), 'nothing stands under the final name');
      throw error;
    }
    expectThat(digestOf(await readFile(path)) === blob.digest, 'the file is right');
    expectThat((await readdir(directory)).join() === 'blob', 'nothing else is left');
    return 'whole';
  },
  push: (site) => push(site, {}),
  'push in chunks': (site) => push(site, { chunkBytes: 40_000 }),
  mount: async (site) =>
    (await repositoryOf(site).mountBlob(newBlob, parseRepositoryName('faults/other'), {
      onEvent: site.onEvent,
    }))
      ? 'mounted'
      : 'to be uploaded',
  'push a manifest': async (site) => {
    const { onEvent } = site;
    await repositoryOf(site).pushManifest(artifact.manifest, { tag: parseTag('new'), onEvent });
    return 'stored';
  },
  'list tags': async (site) => {
    const count = await drain(repositoryOf(site).listTags({ onEvent: site.onEvent }));
    return `${count} read`;
  },
  'list referrers': async (site) => {
    const { descriptor } = artifact.manifest;
    const count = await drain(
      repositoryOf(site).listReferrers(descriptor, { onEvent: site.onEvent }),
    );
    return `${count} read`;
  },
  'delete a manifest': async (site) => {
    await repositoryOf(site).deleteManifest(artifact.manifest.descriptor, {
      onEvent: site.onEvent,
    });
    return 'deleted';
  },
} satisfies Record<string, Operation>;

export const downloadPath = (directory: string): string => join(directory, 'blob');
