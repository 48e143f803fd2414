import { createHash } from 'node:crypto';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { pushRandomImage } from './content.mjs';
import { measure } from './process.mjs';
import { program } from './programs.mjs';
import { contestant } from './pullers.mjs';

/** @typedef {import('./compare.mjs').Contestant} Contestant */

/**
 * Content to push: as files, and as an image layout of the same blobs.
 *
 * @typedef {object} PushedContent
 * @property {string} directory of the files
 * @property {readonly string[]} files their names
 * @property {string} layout
 * @property {import('./content.mjs').PushedImage} image where the registry has it already, in another repository
 */

/**
 * Makes random files of these sizes, and a layout of them, by way of the registry.
 *
 * @param {import('./bench.mjs').Bench} bench
 * @param {import('./registry.mjs').RunningRegistry} registry
 * @param {{ repository: string, sizes: readonly number[] }} content
 * @returns {Promise<PushedContent>}
 */
export async function contentToPush(bench, registry, content) {
  const image = await pushRandomImage(registry.host, content);
  const directory = await bench.scope.temporaryDirectory('content');
  const layout = join(directory, 'layout');
  const from = `${registry.host}/${image.repository}:${image.tag}`;
  await measure(ours(['copy', from, `oci:${layout}:1`]), bench.scope);
  const files = image.digests.map((_, at) => `part-${at}.bin`);
  for (const [at, file] of files.entries()) {
    const digest = image.digests[at]?.replace('sha256:', '') ?? '';
    await link(join(layout, 'blobs', 'sha256', digest), join(directory, file));
  }
  return { directory, files, layout, image };
}

/**
 * Everyone who pushes: files by `ocictl push` and oras, the layout by `ocictl copy` and crane. No run finds its
 * content in its repository.
 *
 * @param {PushedContent} content
 * @param {FreshRepositories} repositories
 * @returns {Contestant[]}
 */
export function pushers({ directory, files, layout }, repositories) {
  const oras = contestant('oras', ({ host }) => [
    'push',
    '--plain-http',
    repositories.next(host),
    ...files,
  ]);
  return [
    {
      name: 'ocictl push',
      isOurs: true,
      command: ({ host }) => ours(['push', repositories.next(host), ...files], directory),
    },
    {
      name: 'ocictl copy',
      isOurs: true,
      command: ({ host }) => ours(['copy', `oci:${layout}:1`, repositories.next(host)]),
    },
    ...contestant('crane', ({ host }) => ['push', '--insecure', layout, repositories.next(host)]),
    ...oras.map(({ name, command }) => ({
      name,
      command: (/** @type {import('./compare.mjs').Where} */ where) => ({
        ...command(where),
        cwd: directory,
      }),
    })),
  ];
}

/**
 * Everyone who copies an image to another repository of its registry.
 *
 * @param {import('./content.mjs').PushedImage} image
 * @param {FreshRepositories} repositories
 * @returns {Contestant[]}
 */
export function copiersWithin({ repository, tag }, repositories) {
  const from = (/** @type {string} */ host) => `${host}/${repository}:${tag}`;
  return [
    {
      name: 'ocictl copy',
      isOurs: true,
      command: ({ host }) => ours(['copy', from(host), repositories.next(host)]),
    },
    ...contestant('crane', ({ host }) => [
      'copy',
      '--insecure',
      from(host),
      repositories.next(host),
    ]),
    ...contestant('oras', ({ host }) => [
      'copy',
      '--from-plain-http',
      '--to-plain-http',
      from(host),
      repositories.next(host),
    ]),
  ];
}

/**
 * @param {readonly string[]} args
 * @param {string} [cwd]
 */
function ours(args, cwd) {
  return { file: process.execPath, args: [program('ocictl'), ...args], ...(cwd && { cwd }) };
}

/** Names of repositories that nobody has pushed to, and a look at what is in the last of them. */
export class FreshRepositories {
  #prefix;
  #count = 0;

  /** @param {string} prefix */
  constructor(prefix) {
    this.#prefix = prefix;
  }

  /** @param {string} host */
  next(host) {
    this.#count += 1;
    return `${host}/${this.#last}:1`;
  }

  get #last() {
    return `${this.#prefix}-${this.#count}`;
  }

  /**
   * Fails unless the last repository has a manifest with these layers, and each reads back with its digest.
   *
   * @param {string} host the registry itself
   * @param {readonly string[]} digests
   */
  async expectPushed(host, digests) {
    const base = `http://${host}/v2/${this.#last}`;
    const accept = 'application/vnd.oci.image.manifest.v1+json';
    const answer = await fetch(`${base}/manifests/1`, { headers: { accept } });
    const { layers = [] } = /** @type {{ layers?: { digest: string }[] }} */ (await answer.json());
    const named = new Set(layers.map(({ digest }) => digest));
    if (digests.some((digest) => !named.has(digest)))
      throw new Error(`the manifest of ${this.#last} does not name all of what was pushed`);
    for (const digest of digests) {
      const found = await hashOf(`${base}/blobs/${digest}`);
      if (found !== digest) throw new Error(`${digest} reads back as ${found}`);
    }
  }
}

/** @param {string} url */
async function hashOf(url) {
  const { ok, status, body } = await fetch(url);
  if (!ok || !body) throw new Error(`${url} answered ${status}`);
  const hash = createHash('sha256');
  await pipeline(Readable.fromWeb(/** @type {any} */ (body)), hash);
  return `sha256:${hash.digest('hex')}`;
}
