import { randomBytes } from 'node:crypto';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

import { type Digest, isDigest, isOciError } from '@oci/spec-types';
import {
  ownProcess,
  processState,
  readNote,
  refuseLinks,
  unlessMissing,
  writeNote,
} from '@oci/files';

import { paths } from '../cache-format.js';
import type { GcBarrier } from './gc-barrier.js';

/** Milliseconds: how often a lease says that its process lives, and how long one that cannot be seen from here may be silent. */
const beatMs = 15_000;
const silentMs = 5 * 60_000;

/** Content that a running pull relies on; nobody removes it before it is released. */
export interface Lease extends AsyncDisposable {
  /** Relies on content from now on; when it returns, what `ContentStore.get` finds will stay. */
  add(digests: readonly Digest[], signal?: AbortSignal): Promise<void>;
  release(): Promise<void>;
}

/** What is in use, by all processes that share the cache: a file for each lease, named by its process. */
export class Leases {
  readonly #root: string;
  readonly #dir: string;
  readonly #barrier: GcBarrier;

  /** @param root the cache directory */
  constructor(root: string, barrier: GcBarrier) {
    this.#root = root;
    this.#dir = join(root, paths.leases);
    this.#barrier = barrier;
  }

  /** Begins a lease. Where nothing can be written there is nobody who could remove something either. */
  open(): Lease {
    const name = `${ownProcess}~${randomBytes(8).toString('hex')}`;
    const path = join(this.#dir, name);
    const beat = setInterval(
      () => void utimes(path, new Date(), new Date()).catch(() => {}),
      beatMs,
    );
    beat.unref();
    const release = async (): Promise<void> => {
      clearInterval(beat);
      await rm(path, { force: true }).catch(() => {});
    };
    return {
      add: async (digests, signal) => {
        await this.#note(path, digests);
        await this.#barrier.pass(signal);
      },
      release,
      [Symbol.asyncDispose]: release,
    };
  }

  /** All content that is in use; what dead processes left is removed. */
  async held(): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    refuseLinks(this.#root, join(this.#dir, 'lease'));
    for (const name of (await readdir(this.#dir).catch(unlessMissing)) ?? []) {
      const path = join(this.#dir, name);
      if (!(await isHeld(path, name))) {
        await rm(path, { force: true });
        continue;
      }
      const text = (await readNote(path).catch(() => '')) ?? '';
      for (const line of text.split('\n')) if (isDigest(line)) held.add(line);
    }
    return held;
  }

  async #note(path: string, digests: readonly Digest[]): Promise<void> {
    const text = digests.map((digest) => `${digest}\n`).join('');
    await writeNote({ root: this.#root, path }, text, { append: true }).catch((error: unknown) => {
      if (isOciError(error)) throw error;
    });
  }
}

async function isHeld(path: string, name: string): Promise<boolean> {
  const state = processState(name);
  if (state !== 'unknown') return state === 'alive';
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && Math.abs(Date.now() - info.mtimeMs) < silentMs;
}
