import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { onStorage, refuseLinks, unlessMissing } from '@oci/files';
import {
  type Digest,
  OciError,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isDigest,
  isTag,
  maxManifestSize,
} from '@oci/spec-types';
import { describeManifest, verified, verifyBytes, verifyManifest } from '@oci/spec-types/node';

import { chunksOf, openContained, readContained } from './contained-file.js';
import type {
  Content,
  ContentSource,
  ListedManifest,
  ListedTag,
  ReadManifest,
} from './repository-content.js';

/** Where `docker-registry` (distribution 2 and 3) keeps what it has, with its driver `filesystem`. */
export const dockerRegistryPaths = {
  repositories: 'docker/registry/v2/repositories',
  marker: '_manifests',
  blob: (digest: Digest): string => {
    const encoded = digestEncoded(digest);
    return `docker/registry/v2/blobs/${digestAlgorithm(digest)}/${encoded.slice(0, 2)}/${encoded}/data`;
  },
} as const;

/** A link is a digest. */
const maxLinkBytes = 512;

/**
 * A repository in the directory of a `docker-registry` that does not run: links say which manifests and blobs it has.
 * Media types are not kept there: a manifest says its own.
 */
export class DockerRegistrySource implements ContentSource {
  readonly #root: string;
  readonly #path: string;
  readonly name: RepositoryName;

  constructor(root: string, name: RepositoryName) {
    this.#root = root;
    this.#path = `${dockerRegistryPaths.repositories}/${name}`;
    this.name = name;
  }

  async *manifests(): AsyncGenerator<ListedManifest, void, undefined> {
    const revisions = `${this.#path}/_manifests/revisions`;
    for (const algorithm of await this.#names(revisions)) {
      for (const encoded of await this.#names(`${revisions}/${algorithm}`)) {
        const digest = `${algorithm}:${encoded}`;
        if (isDigest(digest)) yield { digest };
      }
    }
  }

  async *tags(): AsyncGenerator<Tag, void, undefined> {
    for (const tag of await this.#names(`${this.#path}/_manifests/tags`)) if (isTag(tag)) yield tag;
  }

  async findTag(tag: Tag): Promise<ListedTag | undefined> {
    const digest = await this.#link(`_manifests/tags/${tag}/current`);
    return digest && { tag, digest };
  }

  async readManifest(digest: Digest): Promise<ReadManifest | undefined> {
    if (!(await this.#hasManifest(digest))) return undefined;
    const path = dockerRegistryPaths.blob(digest);
    const bytes = await readContained(this.#root, path, maxManifestSize);
    if (!bytes) throw lost(digest);
    const size = bytes.byteLength;
    verifyBytes(bytes, { digest, size });
    const { mediaType } = describeManifest(bytes);
    return { manifest: verifyManifest(bytes, { mediaType, digest, size }) };
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    const link = await this.#link(`_layers/${digestAlgorithm(digest)}/${digestEncoded(digest)}`);
    if (!link) return undefined;
    const opened = await openContained(this.#root, dockerRegistryPaths.blob(digest));
    if (!opened) throw lost(digest);
    await opened.file.close();
    return opened.size;
  }

  async openBlob(content: Content): Promise<AsyncIterable<Uint8Array>> {
    const relative = dockerRegistryPaths.blob(content.digest);
    const opened = await openContained(this.#root, relative);
    if (!opened) throw lost(content.digest);
    return verified(chunksOf(opened, join(this.#root, relative)), content);
  }

  async #hasManifest(digest: Digest): Promise<boolean> {
    const revision = `${digestAlgorithm(digest)}/${digestEncoded(digest)}`;
    return (await this.#link(`_manifests/revisions/${revision}`)) === digest;
  }

  /** The digest that a directory links to; undefined when it links to nothing. */
  async #link(relative: string): Promise<Digest | undefined> {
    const bytes = await readContained(this.#root, `${this.#path}/${relative}/link`, maxLinkBytes);
    const text = bytes?.toString('latin1').trim();
    return isDigest(text) ? text : undefined;
  }

  async #names(relative: string): Promise<readonly string[]> {
    const path = join(this.#root, relative);
    return onStorage({ path }, async () => {
      refuseLinks(this.#root, join(path, 'x'));
      const entries = (await readdir(path, { withFileTypes: true }).catch(unlessMissing)) ?? [];
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    });
  }
}

function lost(digest: Digest): OciError {
  return new OciError('BLOB_UNKNOWN', `docker-registry lost the bytes of ${digest}`);
}
