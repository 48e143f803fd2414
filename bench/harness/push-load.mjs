import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/**
 * A client of a registry, which sends what Docker does: an upload is begun, filled and ended.
 *
 * @param {string} host
 * @param {number} connections
 */
export function pusherTo(host, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  /**
   * @param {string} method
   * @param {string} path or URL
   * @param {{ body?: Buffer, chunks?: Iterable<Buffer>, type?: string, length?: number }} [what]
   */
  const send = async (
    method,
    path,
    { body, chunks, type, length = body?.byteLength ?? 0 } = {},
  ) => {
    const headers = {
      'content-length': length,
      'content-type': type ?? 'application/octet-stream',
    };
    const sent = request(new URL(path, `http://${host}`), { method, agent, headers });
    const answered = once(sent, 'response');
    if (chunks) {
      for (const chunk of chunks) if (!sent.write(chunk)) await once(sent, 'drain');
      sent.end();
    } else {
      sent.end(body);
    }
    const [response] = await answered;
    response.resume();
    await once(response, 'end');
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode}`);
    return /** @type {string} */ (response.headers.location ?? '');
  };
  return {
    /** @param {string} repository @param {Buffer} bytes */
    async pushBlob(repository, bytes) {
      const location = new URL(
        await send('POST', `/v2/${repository}/blobs/uploads/`),
        `http://${host}`,
      );
      location.searchParams.set('digest', digestOf(bytes));
      await send('PUT', location.href, { body: bytes });
    },
    /**
     * @param {string} repository
     * @param {{ chunks: () => Iterable<Buffer>, size: number, digest: string }} blob
     */
    async pushLargeBlob(repository, { chunks, size, digest }) {
      const begun = await send('POST', `/v2/${repository}/blobs/uploads/`);
      const next = await send('PATCH', begun, { chunks: chunks(), length: size });
      const location = new URL(next, `http://${host}`);
      location.searchParams.set('digest', digest);
      await send('PUT', location.href);
    },
    /** @param {string} repository @param {string} tag @param {Buffer} bytes */
    async pushManifest(repository, tag, bytes) {
      await send('PUT', `/v2/${repository}/manifests/${tag}`, { body: bytes, type: manifestType });
    },
    close: () => agent.destroy(),
  };
}

/** @typedef {ReturnType<typeof pusherTo>} Pusher */

/**
 * Pushes an image that nobody has: a layer, a config, and a manifest with a tag.
 *
 * @param {Pusher} pusher
 * @param {{ repository: string, tag: string, layerBytes: number }} image
 */
export async function pushNewImage(pusher, { repository, tag, layerBytes }) {
  const layer = randomBytes(layerBytes);
  const config = Buffer.from(JSON.stringify({ os: 'linux', note: digestOf(layer) }));
  for (const bytes of [layer, config]) await pusher.pushBlob(repository, bytes);
  const descriptor = (/** @type {string} */ mediaType, /** @type {Buffer} */ bytes) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  });
  const document = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  };
  await pusher.pushManifest(repository, tag, Buffer.from(JSON.stringify(document)));
}

/** @param {Buffer} bytes */
function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
