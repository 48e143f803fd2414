// Pulls a package into a cache and puts other entries beside it: HOST CACHE_DIR NAME VERSION ENTRIES. What
// others would have pulled is written as it would lie there, without the flush to disk of a pull.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { openCache } from '@oci/cache';
import { OciManager } from '@oci/manager';
import {
  digestEncoded,
  emptyDescriptor,
  mediaTypes,
  parseRegistryHost,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';

const [, , host = '', cacheDir = '', name = '', version = '', entries = ''] = process.argv;
const manager = new OciManager({ registryUrl: `http://${host}`, namespace: 'bench', cacheDir });
await manager.pullKclPackage(name, version);
await manager.close();

const cache = await openCache(cacheDir);
const blobs = join(cacheDir, 'blobs', 'sha256');
mkdirSync(blobs, { recursive: true });
const registry = parseRegistryHost(host);
const tag = parseTag('1.0.0');
/** @type {object[]} */
const added = [];

/** @param {number} at */
async function addEntry(at) {
  const layer = Buffer.from(`layer ${at}`);
  const descriptor = {
    mediaType: mediaTypes.layerTarGzip,
    digest: digestOf(layer),
    size: layer.byteLength,
  };
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.imageManifest,
    config: emptyDescriptor,
    layers: [descriptor],
  };
  const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
  writeFileSync(join(blobs, digestEncoded(descriptor.digest)), layer);
  writeFileSync(join(blobs, digestEncoded(manifest.descriptor.digest)), manifest.bytes);
  const repository = parseRepositoryName(`kcl/other-${at}`);
  const resolved = { ...manifest.descriptor, resolvedAt: Date.now(), source: registry };
  await cache.references.set({ registry, repository, tag }, resolved);
  const refName = `${host}/${repository}:${tag}`;
  added.push({
    ...manifest.descriptor,
    annotations: { 'org.opencontainers.image.ref.name': refName },
  });
}

const numbers = Array.from({ length: Number(entries) - 1 }, (_, at) => at).values();
const worker = async () => {
  for (const at of numbers) await addEntry(at);
};
await Promise.all(Array.from({ length: 16 }, worker));

const indexPath = join(cacheDir, 'index.json');
const index = JSON.parse(readFileSync(indexPath, 'utf8'));
writeFileSync(indexPath, JSON.stringify({ ...index, manifests: [...index.manifests, ...added] }));
