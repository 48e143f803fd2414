import { setTimeout as sleep } from 'node:timers/promises';

import type { Digest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Something that a server has said that it has; it is another object after each push. */
interface Stored {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

/** What one repository has to have: what was acknowledged, and whose deletion has not begun. */
export interface ExpectedRepository {
  readonly name: string;
  readonly blobs: Map<string, Stored>;
  readonly manifests: Map<string, Stored>;
  readonly tags: Map<string, Stored>;
}

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[Math.floor(random() * all.length)] as T;
}

/** Small content that all repositories share: some have a digest while it leaves others, and often none has it. */
export const pool: readonly Stored[] = Array.from({ length: 200 }, (_, at) => {
  const bytes = bytesOf(`content ${at} `.repeat(20 + at));
  return { digest: digestOf(bytes), bytes };
});

/** What all clients share. */
export interface Load {
  /** Of servers that share a storage. */
  readonly urls: readonly string[];
  readonly repositories: readonly ExpectedRepository[];
  /** What must not have happened. */
  readonly violations: string[];
  readonly counts: Map<string, number>;
  readonly signal: AbortSignal;
}

export function repositoryNamed(name: string): ExpectedRepository {
  return { name, blobs: new Map(), manifests: new Map(), tags: new Map() };
}

function count({ counts }: Load, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly bytes: Uint8Array;
}

async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(url, init);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const location = new URL(answer.headers.get('location') ?? '/', url).href;
  return { status: answer.status, location, bytes };
}

/** Pushes to repositories of its own, and deletes from them, so that it knows what they have to hold. */
export class Pusher {
  readonly #load: Load;
  readonly #random: Random;
  readonly #own: readonly ExpectedRepository[];

  constructor(load: Load, random: Random, own: readonly ExpectedRepository[]) {
    this.#load = load;
    this.#random = random;
    this.#own = own;
  }

  async run(): Promise<void> {
    while (!this.#load.signal.aborted) {
      const repository = oneOf(this.#random, this.#own);
      const step = this.#random();
      if (step < 0.55) await this.#pushImage(repository);
      else if (step < 0.65) await this.#deleteManifest(repository);
      else if (step < 0.75) await this.#empty(repository);
      else if (step < 0.9) await this.#deleteBlob(repository);
      else if (step < 0.95) await this.#deleteTag(repository);
      else await this.#abandon(repository);
      await sleep(this.#random() * 10);
    }
  }

  async #pushImage(repository: ExpectedRepository): Promise<void> {
    const layers = Array.from({ length: 1 + Math.floor(this.#random() * 3) }, () =>
      oneOf(this.#random, pool),
    );
    const skipped = new Set<Stored>();
    for (const layer of layers)
      if (this.#random() < 0.2 && repository.blobs.has(layer.digest)) skipped.add(layer);
      else if (!(await this.#pushBlob(repository, layer))) return;
    const descriptors = layers.map(({ digest, bytes }) => ({
      mediaType: 'application/octet-stream',
      digest,
      size: bytes.byteLength,
    }));
    const document = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptors[0],
      layers: descriptors,
      annotations: { variant: String(Math.floor(this.#random() * 4)) },
    };
    const bytes = bytesOf(JSON.stringify(document));
    const digest = digestOf(bytes);
    const tag = `t${Math.floor(this.#random() * 3)}`;
    // Until it is acknowledged, the tag may point to either.
    repository.tags.delete(tag);
    const { status } = await send(this.#url(`${repository.name}/manifests/${tag}`), {
      method: 'PUT',
      headers: { 'content-type': manifestType },
      body: bytes,
    });
    count(this.#load, `manifest ${status}`);
    if (status === 201) {
      const stored = { digest, bytes };
      repository.manifests.set(digest, stored);
      repository.tags.set(tag, stored);
    } else if (status === 404 && skipped.size > 0) {
      // A collection has taken a blob that no manifest named.
      for (const layer of skipped) repository.blobs.delete(layer.digest);
    } else this.#load.violations.push(`${repository.name} took no manifest: ${status}`);
  }

  /** @returns whether it was acknowledged */
  async #pushBlob(repository: ExpectedRepository, { digest, bytes }: Stored): Promise<boolean> {
    const uploads = this.#url(`${repository.name}/blobs/uploads/`);
    const way = this.#random();
    const from = oneOf(this.#random, this.#load.repositories).name;
    const query =
      way < 0.5 ? `?mount=${digest}&from=${from}` : way < 0.75 ? `?digest=${digest}` : '';
    const isWhole = query.startsWith('?digest');
    const begun = await send(uploads + query, { method: 'POST', ...(isWhole && { body: bytes }) });
    const ended = begun.status === 202 ? await this.#finish(begun.location, digest, bytes) : begun;
    count(this.#load, `${begun.status === 202 || isWhole ? 'blob' : 'mount'} ${ended.status}`);
    if (ended.status !== 201) return false;
    repository.blobs.set(digest, { digest, bytes });
    return true;
  }

  async #finish(location: string, digest: Digest, bytes: Uint8Array): Promise<Answer> {
    const middle = Math.floor(this.#random() * bytes.byteLength);
    const patched = await send(location, {
      method: 'PATCH',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes.subarray(0, middle),
    });
    if (patched.status !== 202) return patched;
    const url = new URL(patched.location);
    url.searchParams.set('digest', digest);
    return send(url.href, { method: 'PUT', body: bytes.subarray(middle) });
  }

  async #deleteManifest({ name, manifests, tags }: ExpectedRepository): Promise<void> {
    const digest = oneOf(this.#random, [...manifests.keys()]);
    if (digest === undefined) return;
    manifests.delete(digest);
    for (const [tag, stored] of tags) if (stored.digest === digest) tags.delete(tag);
    await this.#delete(`${name}/manifests/${digest}`, 'manifest');
  }

  async #deleteBlob({ name, blobs }: ExpectedRepository): Promise<void> {
    const digest = oneOf(this.#random, [...blobs.keys()]);
    if (digest === undefined) return;
    blobs.delete(digest);
    await this.#delete(`${name}/blobs/${digest}`, 'blob');
  }

  async #empty(repository: ExpectedRepository): Promise<void> {
    while (repository.manifests.size > 0) await this.#deleteManifest(repository);
    while (repository.blobs.size > 0) await this.#deleteBlob(repository);
  }

  async #deleteTag({ name, tags }: ExpectedRepository): Promise<void> {
    const tag = oneOf(this.#random, [...tags.keys()]);
    if (tag === undefined) return;
    tags.delete(tag);
    await this.#delete(`${name}/manifests/${tag}`, 'tag');
  }

  async #delete(path: string, what: string): Promise<void> {
    const { status } = await send(this.#url(path), { method: 'DELETE' });
    count(this.#load, `delete ${what} ${status}`);
  }

  /** Begins an upload that nobody ends. */
  async #abandon({ name }: ExpectedRepository): Promise<void> {
    const begun = await send(this.#url(`${name}/blobs/uploads/`), { method: 'POST' });
    const body = oneOf(this.#random, pool).bytes;
    const { status } = await send(begun.location, { method: 'PATCH', body });
    count(this.#load, `abandoned ${status}`);
  }

  #url(path: string): string {
    return `${oneOf(this.#random, this.#load.urls)}/v2/${path}`;
  }
}

/** Returns what tells whether a blob has to be there: a manifest names it, from now on. */
export function owing({ manifests }: ExpectedRepository, { digest }: Stored): () => boolean {
  const naming = [...manifests.values()].filter(({ bytes }) => Buffer.from(bytes).includes(digest));
  return () => naming.some((manifest) => manifests.get(manifest.digest) === manifest);
}

/** Pulls what is acknowledged from any repository, and compares every byte. */
export async function pullAlong(load: Load, random: Random): Promise<void> {
  while (!load.signal.aborted) {
    const repository = oneOf(random, load.repositories);
    const url = oneOf(random, load.urls);
    const [kind, all] = oneOf(random, [
      ['blobs', repository.blobs],
      ['manifests', repository.manifests],
      ['manifests', repository.tags],
    ] as const);
    const name = oneOf(random, [...all.keys()]);
    const stored = name === undefined ? undefined : all.get(name);
    if (name !== undefined && stored) {
      const isOwed = kind === 'blobs' ? owing(repository, stored) : () => true;
      await pull(load, `${url}/v2/${repository.name}/${kind}/${name}`, () =>
        all.get(name) === stored && isOwed() ? stored : undefined,
      );
    }
    await sleep(random() * 5);
  }
}

/** @param expected what has to be there, as far as nothing has changed since the pull began */
export async function pull(
  load: Load,
  url: string,
  expected: () => Stored | undefined,
): Promise<void> {
  const { status, bytes } = await send(url);
  count(load, `pull ${status}`);
  const stored = expected();
  if (!stored) return;
  if (status !== 200) load.violations.push(`GET ${url}: ${status}`);
  else if (digestOf(bytes) !== stored.digest) load.violations.push(`GET ${url}: other bytes`);
}
