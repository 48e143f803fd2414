import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/**
 * Content of a known digest that can be sent more than once.
 *
 * @typedef {object} Content
 * @property {string} digest
 * @property {number} size
 * @property {() => Iterable<Buffer>} chunks
 */

/**
 * @typedef {object} Sent
 * @property {Content} [content]
 * @property {string} [type] of the content
 */

/** A client of a registry that keeps its connections, and does as little else as it can. */
export class Pusher {
  #host;
  #agent;

  /**
   * @param {string} host
   * @param {number} connections
   */
  constructor(host, connections) {
    this.#host = host;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /**
   * Pushes a blob by POST and one PUT, as crane, oras and containerd do.
   *
   * @param {string} repository
   * @param {Content} content
   */
  async pushBlob(repository, content) {
    const session = await this.#send('POST', `/v2/${repository}/blobs/uploads/`);
    const location = new URL(session.location, `http://${this.#host}`);
    location.searchParams.set('digest', content.digest);
    await this.#send('PUT', location.href, { content });
  }

  /**
   * Pushes an artifact that nobody has: a blob of random bytes, and a manifest with a tag.
   *
   * @param {{ repository: string, tag: string, bytes: number }} artifact
   */
  async pushArtifact({ repository, tag, bytes }) {
    const layer = contentOf(randomBytes(bytes));
    await this.pushBlob(repository, layer);
    const document = {
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType: 'application/vnd.oci.image.layer.v1.tar',
      config: descriptorOf(emptyConfig, 'application/vnd.oci.empty.v1+json'),
      layers: [descriptorOf(layer, 'application/vnd.oci.image.layer.v1.tar')],
    };
    await this.#send('PUT', `/v2/${repository}/manifests/${tag}`, {
      content: contentOf(Buffer.from(JSON.stringify(document))),
      type: manifestType,
    });
  }

  /** @param {string} repository whose artifacts have the empty config */
  pushEmptyConfig(repository) {
    return this.pushBlob(repository, emptyConfig);
  }

  /**
   * Fails unless the layer of an artifact is there with its bytes.
   *
   * @param {{ repository: string, tag: string }} artifact
   */
  async expectArtifact({ repository, tag }) {
    const manifest = await this.#send('GET', `/v2/${repository}/manifests/${tag}`);
    const { digest } = JSON.parse(manifest.body.toString()).layers[0];
    const layer = await this.#send('GET', `/v2/${repository}/blobs/${digest}`);
    if (contentOf(layer.body).digest !== digest) throw new Error(`${repository}:${tag} is damaged`);
  }

  /**
   * Fails unless a blob is there with its size.
   *
   * @param {string} repository
   * @param {Content} content
   */
  async expectBlob(repository, { digest, size }) {
    const { length } = await this.#send('HEAD', `/v2/${repository}/blobs/${digest}`);
    if (length !== size) throw new Error(`${digest} has ${length} bytes instead of ${size}`);
  }

  close() {
    this.#agent.destroy();
  }

  /**
   * @param {string} method
   * @param {string} path or URL
   * @param {Sent} [what]
   */
  async #send(method, path, { content, type = 'application/octet-stream' } = {}) {
    const headers = {
      accept: `${manifestType}, */*`,
      ...(!['GET', 'HEAD'].includes(method) && {
        'content-length': content?.size ?? 0,
        'content-type': type,
      }),
    };
    const url = new URL(path, `http://${this.#host}`);
    const sent = request(url, { method, agent: this.#agent, headers });
    // Both at once: a server may answer, or hang up, before it has read the body.
    const [[response]] = await Promise.all([
      once(sent, 'response'),
      content ? pipeline(Readable.from(content.chunks()), sent) : sent.end(),
    ]);
    const body = Buffer.concat(await response.toArray());
    if (response.statusCode >= 300)
      throw new Error(`${method} ${path}: ${response.statusCode} ${body.toString().slice(0, 500)}`);
    const { location = '', 'content-length': length } = response.headers;
    return { location, length: Number(length), body };
  }
}

const emptyConfig = contentOf(Buffer.from('{}'));

/**
 * @param {Buffer} bytes
 * @returns {Content}
 */
function contentOf(bytes) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return { digest, size: bytes.byteLength, chunks: () => [bytes] };
}

/**
 * A large blob that nobody has, made of one random block over and over behind bytes of its own, so that the client
 * spends little on it while a server is measured.
 *
 * @param {number} size
 * @returns {Content}
 */
export function newLargeContent(size) {
  const block = randomBytes(1024 * 1024);
  const first = randomBytes(Math.min(size, block.byteLength));
  const chunks = function* () {
    yield first;
    for (let left = size - first.byteLength; left > 0; left -= block.byteLength)
      yield block.subarray(0, Math.min(left, block.byteLength));
  };
  const hash = createHash('sha256');
  for (const chunk of chunks()) hash.update(chunk);
  return { digest: `sha256:${hash.digest('hex')}`, size, chunks };
}

/**
 * @param {Content} content
 * @param {string} mediaType
 */
function descriptorOf({ digest, size }, mediaType) {
  return { mediaType, digest, size };
}
