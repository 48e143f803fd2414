import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';

import type { FileObjectStore, ObjectStore } from '@oci/cache';
import { type Digest, OciError, type RepositoryName, maxManifestSize } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { onStorage } from '@oci/files';

import type { ContentRecord } from './content-index.js';
import { readJson, readUpTo } from './json-object.js';
import { keys } from './keys.js';
import type { LinkKind } from './link-record.js';
import { Links } from './links.js';
import type { ManifestRecord } from './manifest-record.js';
import { Quotas } from './quota/quotas.js';
import { isManifestRecord } from './record-guard.js';
import { type RecordListener, Records } from './records.js';
import { listedDescriptorOf, withinBound } from './referrer-entry.js';
import { Repositories } from './repositories.js';
import { digestOfVersion1Blob, entryOfVersion1, version1 } from './version-1-keys.js';

/** What was taken over from version 1. */
export interface Upgrade {
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
}

/**
 * Takes over what version 1 wrote into a directory, while nobody else uses it. Files of blobs are moved, so that no
 * room is needed for copies. What was taken over before is not changed, so that an upgrade that was killed goes on;
 * the files of version 1 go when all is taken over.
 *
 * @param onDamage hears of what is damaged, and left out
 * @returns undefined when there is nothing of version 1
 */
export async function upgradeVersion1(
  store: FileObjectStore,
  onDamage: RecordListener = () => {},
): Promise<Upgrade | undefined> {
  const first = await store.list(`${version1.root}/`).next();
  if (!first.done) {
    const upgrade = await new Version1Upgrade(store, onDamage).run();
    await removeVersion1(store);
    return upgrade;
  }
  await removeVersion1(store);
  return undefined;
}

/** @throws OciError `STORAGE_FAILED` when something of version 1 was not taken over yet, so that not all is there */
export async function refuseVersion1(store: ObjectStore, place: string): Promise<void> {
  for await (const key of store.list(`${version1.root}/`)) {
    throw new OciError('STORAGE_FAILED', `${place} holds version 1 of the storage: ${key}`, {
      hint: 'Start oci-server serve, which takes it over, and wait until it says that it listens.',
    });
  }
}

async function removeVersion1(store: FileObjectStore): Promise<void> {
  const path = store.pathOf(version1.root);
  await onStorage({ path }, () => rm(path, { recursive: true, force: true }));
}

class Version1Upgrade {
  readonly #store: FileObjectStore;
  readonly #onDamage: RecordListener;
  readonly #records: Records;
  readonly #links: Links;
  readonly #repositories: Repositories;
  readonly #counts = { blobs: 0, manifests: 0, tags: 0 };

  constructor(store: FileObjectStore, onDamage: RecordListener) {
    this.#store = store;
    this.#onDamage = onDamage;
    this.#records = new Records(store);
    this.#links = new Links(this.#records, new Quotas(this.#records));
    this.#repositories = new Repositories(this.#records);
  }

  async run(): Promise<Upgrade> {
    for await (const { key, size } of this.#store.entries(version1.blobs)) {
      const digest = digestOfVersion1Blob(key);
      if (digest) await this.#moveBlob(key, digest, size);
    }
    for await (const key of this.#store.list(version1.repositories)) {
      const entry = entryOfVersion1(key);
      if (!entry) continue;
      if ('blob' in entry) await this.#link(entry.name, entry.blob, 'blob');
      else if ('manifest' in entry) await this.#takeManifest(key, entry);
      else await this.#takeTag(key, entry);
    }
    return this.#counts;
  }

  /** Quotas count it later: a server finds that this process has none. */
  async #link(name: RepositoryName, digest: Digest, kind: LinkKind): Promise<void> {
    await this.#links.add(name, digest, { kinds: [kind], size: 0 });
  }

  /** The record comes first: without it nobody would know what a file is that was moved. */
  async #moveBlob(key: string, digest: Digest, size: number): Promise<void> {
    const data = createHash('sha256').update(`version 1 ${digest}`).digest('hex').slice(0, 32);
    const { after } = await this.#records.change<ContentRecord>(keys.content(digest), (known) =>
      known ? undefined : { data, size },
    );
    // A server of version 2 has the content already.
    if (after.value?.data !== data) return;
    await this.#store.adopt(this.#store.pathOf(key), keys.data(data));
    this.#counts.blobs += 1;
  }

  async #takeManifest(
    key: string,
    { name, manifest: digest }: { readonly name: RepositoryName; readonly manifest: Digest },
  ): Promise<void> {
    const record = await this.#read(key, keys.manifest(name, digest));
    if (!record) return;
    await this.#link(name, digest, 'manifest');
    const entry = await this.#referrerOf(key, record);
    await this.#records.change<ManifestRecord>(keys.manifest(name, digest), (known) =>
      known ? undefined : { ...record, ...(entry && { subject: entry.subject }) },
    );
    if (entry) {
      const { subject, descriptor } = entry;
      await this.#records.change(keys.referrer(name, subject, digest), (known) =>
        known ? undefined : descriptor,
      );
    }
    await this.#repositories.enter(name);
    this.#counts.manifests += 1;
  }

  async #takeTag(
    key: string,
    { name, tag }: { readonly name: RepositoryName; readonly tag: Parameters<typeof keys.tag>[1] },
  ): Promise<void> {
    const record = await this.#read(key);
    if (!record) return;
    await this.#records.change<ManifestRecord>(keys.tag(name, tag), (known) =>
      known ? undefined : record,
    );
    this.#counts.tags += 1;
  }

  /** A damaged record is left out, as version 1 took it for missing. */
  async #read(key: string, keyOfDigest?: string): Promise<ManifestRecord | undefined> {
    const object = await this.#store.get(key);
    const record = object && (await readJson(object.body, key));
    if (isManifestRecord(record, keyOfDigest)) return record;
    this.#onDamage(key);
    return undefined;
  }

  /** What a manifest says about its subject; undefined when it has none, or cannot be read. */
  async #referrerOf(key: string, { digest, mediaType }: ManifestRecord) {
    const content = await this.#records.get<ContentRecord>(keys.content(digest));
    const object = content && (await this.#store.get(keys.data(content.data)));
    if (!object) return undefined;
    const bytes = await readUpTo(maxManifestSize, object.body, key);
    try {
      const manifest = bytes && describeManifest(bytes, mediaType);
      if (manifest?.descriptor.digest === digest) {
        const { subject } = manifest.document;
        return (
          subject && {
            subject: subject.digest,
            descriptor: withinBound(listedDescriptorOf(manifest)),
          }
        );
      }
    } catch {
      // Told as what is no manifest of that digest.
    }
    this.#onDamage(key);
    return undefined;
  }
}
