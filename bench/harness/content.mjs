import { createCipheriv, createHash } from 'node:crypto';

import { createRegistry } from '@oci/client';
import { mediaTypes, parseDigest, parseRepositoryName, parseTag } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';

const chunkBytes = 1024 * 1024;

/**
 * Bytes that don't compress, the same for the same seed.
 *
 * @param {number} seed
 * @param {number} size
 * @returns {Generator<Buffer, void, undefined>}
 */
function* randomChunks(seed, size) {
  const key = createHash('sha256').update(`bench ${seed}`).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(chunkBytes);
  for (let left = size; left > 0; left -= chunkBytes)
    yield cipher.update(zeros.subarray(0, Math.min(left, chunkBytes)));
}

/**
 * @param {number} seed
 * @param {number} size
 * @returns {import('@oci/spec-types').Descriptor}
 */
function describeRandom(seed, size) {
  const hash = createHash('sha256');
  for (const chunk of randomChunks(seed, size)) hash.update(chunk);
  return {
    mediaType: mediaTypes.layerTar,
    digest: parseDigest(`sha256:${hash.digest('hex')}`),
    size,
  };
}

/**
 * An image of random layers that was pushed.
 *
 * @typedef {object} PushedImage
 * @property {string} repository
 * @property {string} tag
 * @property {readonly string[]} digests of the layers
 * @property {number} size bytes of the layers
 */

/**
 * @param {string} host of a registry
 * @param {{ repository: string, sizes: readonly number[], seed?: number }} image
 * @returns {Promise<PushedImage>}
 */
export async function pushRandomImage(host, { repository, sizes, seed = 1 }) {
  const registry = createRegistry({ url: `http://${host}` });
  try {
    const remote = registry.repository(parseRepositoryName(repository));
    const layers = [];
    for (const [at, size] of sizes.entries()) {
      const layer = describeRandom(seed + at, size);
      await remote.pushBlob(
        layer,
        bodyOf(() => randomChunks(seed + at, size)),
      );
      layers.push(layer);
    }
    const configBytes = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      }),
    );
    const config = {
      mediaType: mediaTypes.imageConfig,
      digest: parseDigest(`sha256:${createHash('sha256').update(configBytes).digest('hex')}`),
      size: configBytes.byteLength,
    };
    await remote.pushBlob(
      config,
      bodyOf(() => [configBytes]),
    );
    const document = { schemaVersion: 2, mediaType: mediaTypes.imageManifest, config, layers };
    const manifest = describeManifest(Buffer.from(JSON.stringify(document)));
    await remote.pushManifest(manifest, { tag: parseTag('1') });
    const size = layers.reduce((sum, layer) => sum + layer.size, 0);
    return { repository, tag: '1', digests: layers.map(({ digest }) => digest), size };
  } finally {
    await registry.close();
  }
}

/**
 * @param {() => Iterable<Uint8Array>} chunks
 * @returns {AsyncGenerator<Uint8Array, void, undefined>}
 */
async function* bodyOf(chunks) {
  yield* chunks();
}
