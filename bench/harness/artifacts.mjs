import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { packExtension, packKclPackage, pushArtifact } from '@oci/extensions';
import { emptyDescriptor, mediaTypes, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';

const namespace = 'provisioning-extensions';

/**
 * An artifact that was pushed as `ocictl` would.
 *
 * @typedef {object} PushedArtifact
 * @property {string} repository
 * @property {string} name
 * @property {string} version
 * @property {readonly string[]} digests of the layers
 */

const created = new Date('2026-01-01T00:00:00Z');

/**
 * @param {string} host
 * @param {import('./scope.mjs').Scope} scope
 * @returns {Promise<PushedArtifact>}
 */
export async function pushKclPackage(host, scope) {
  const directory = await scope.temporaryDirectory('kcl');
  await writeFile(
    join(directory, 'kcl.mod'),
    '[package]\nname = "small"\nedition = "v0.11.0"\nversion = "1.0.0"\n',
  );
  for (let i = 0; i < 8; i += 1)
    await writeFile(join(directory, `part-${i}.k`), `schema Part${i}:\n    name: str\n`.repeat(20));
  return push(host, await packKclPackage(directory, { created }), {
    name: 'small',
    version: '1.0.0',
  });
}

/**
 * An extension of many small files.
 *
 * @param {string} host
 * @param {{ files: number, scope: import('./scope.mjs').Scope }} options
 * @returns {Promise<PushedArtifact & { archive: Uint8Array }>}
 */
export async function pushExtension(host, { files, scope }) {
  const directory = await scope.temporaryDirectory('extension');
  const name = 'many-files';
  await writeFile(
    join(directory, 'extension.toml'),
    `[extension]\nname = "${name}"\nversion = "1.0.0"\ndescription = "Many small files"\n`,
  );
  for (let i = 0; i < files - 1; i += 1) {
    const folder = join(directory, `folder-${Math.floor(i / 100)}`);
    if (i % 100 === 0) await mkdir(folder);
    await writeFile(join(folder, `file-${i}.txt`), `file ${i}\n`.repeat(1 + (i % 50)));
  }
  const packed = await packExtension({ type: 'taskserv', directory, created });
  const archive = packed.blobs.at(-1)?.bytes ?? new Uint8Array();
  return { ...(await push(host, packed, { name, version: '1.0.0' })), archive };
}

/**
 * @param {string} host
 * @param {import('@oci/extensions').PackedArtifact} packed
 * @param {{ name: string, version: string }} named
 * @returns {Promise<PushedArtifact>}
 */
async function push(host, packed, named) {
  const registry = createRegistry({ url: `http://${host}` });
  try {
    const repository = packed.repository(namespace);
    await pushArtifact(registry.repository(repository), packed);
    const digests = packed.blobs.slice(1).map(({ descriptor }) => descriptor.digest);
    return { repository, digests, ...named };
  } finally {
    await registry.close();
  }
}

/**
 * Fills a namespace with packages of one tiny layer, each version with a manifest of its own.
 *
 * @param {string} host
 * @param {{ namespace: string, packages: number, versions: number }} what
 */
export async function pushNamespace(host, { namespace, packages, versions }) {
  const registry = createRegistry({ url: `http://${host}` });
  const layer = Buffer.from('one layer for all');
  const descriptor = {
    mediaType: mediaTypes.layerTarGzip,
    digest: digestOf(layer),
    size: layer.byteLength,
  };
  const pushPackage = async (/** @type {number} */ at) => {
    const repository = registry.repository(
      parseRepositoryName(`${namespace}/package-${String(at).padStart(4, '0')}`),
    );
    await repository.pushBlob(emptyDescriptor, once(Buffer.from('{}')));
    await repository.pushBlob(descriptor, once(layer));
    for (let version = 0; version < versions; version += 1) {
      const document = {
        schemaVersion: 2,
        mediaType: mediaTypes.imageManifest,
        artifactType: 'application/vnd.oci.image.layer.v1.tar',
        config: emptyDescriptor,
        layers: [descriptor],
        annotations: {
          'org.opencontainers.image.created': created.toISOString(),
          'org.opencontainers.image.version': `1.${version}.0`,
          'org.opencontainers.image.title': `package-${at}`,
        },
      };
      const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
      await repository.pushManifest(manifest, { tag: parseTag(`1.${version}.0`) });
    }
  };
  try {
    const numbers = Array.from({ length: packages }, (_, at) => at).values();
    const worker = async () => {
      for (const at of numbers) await pushPackage(at);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  } finally {
    await registry.close();
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {AsyncGenerator<Uint8Array, void, undefined>}
 */
async function* once(bytes) {
  yield bytes;
}
