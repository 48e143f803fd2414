import { setTimeout as sleep } from 'node:timers/promises';

import type { ObjectStore, StoredObject } from '@oci/cache';
import { hasCode } from '@oci/files';
import { type CallOptions, type Digest, isOciError, throwIfAborted } from '@oci/spec-types';
import { Retries, defaultRetryRule } from '@oci/spec-types/retry';
import { verified } from '@oci/spec-types/node';

import type { BytePace } from './byte-pace.js';
import type { ContentIndex, ContentRecord } from './content-index.js';
import { keys } from './keys.js';
import type { DataProblem, Quarantine } from './quarantine.js';

/** What a check of content found; bytes are those that were read. */
export type ContentVerdict =
  /** `isUnsteady` when a first look found it damaged. */
  | { readonly state: 'intact'; readonly bytes: number; readonly isUnsteady: boolean }
  | { readonly state: 'damaged'; readonly bytes: number; readonly problem: DataProblem }
  /** Nothing has the digest any more. */
  | { readonly state: 'gone'; readonly bytes: number };

export interface ContentCheckParts {
  readonly store: ObjectStore;
  readonly index: ContentIndex;
  readonly quarantine: Quarantine;
  readonly pace: BytePace;
}

/** Milliseconds and times that a failing read is tried again. */
const readRule = { ...defaultRetryRule, attempts: 3, baseDelayMs: 100, maxDelayMs: 1000 };
/** Failures of a process that has too much open, which say nothing of what it reads. */
const exhausted = ['EMFILE', 'ENFILE', 'ENOMEM'] as const;
/** Looks at content that is replaced meanwhile. */
const mostLooks = 5;

interface Look {
  readonly problem?: DataProblem;
  readonly version: string;
  readonly bytes: number;
  /** Whether the same read may succeed later, so that it proves nothing. */
  readonly isPassing?: boolean;
}

/** Hashes content as it is stored, and sets aside what is damaged at two looks. */
export class ContentCheck {
  readonly #parts: ContentCheckParts;

  constructor(parts: ContentCheckParts) {
    this.#parts = parts;
  }

  /** @throws OciError `STORAGE_…` when the storage does not answer, `ABORTED` */
  async run(digest: Digest, options: CallOptions = {}): Promise<ContentVerdict> {
    const { index, quarantine } = this.#parts;
    let bytes = 0;
    for (let look = 0; look < mostLooks; look += 1) {
      const record = await index.find(digest);
      if (!record) break;
      const first = await this.#look(digest, record, options);
      // One bad read, of memory or a cable, must not take content from everybody.
      const last = first.problem ? await this.#look(digest, record, options) : first;
      bytes += first.bytes + (last === first ? 0 : last.bytes);
      const { problem, version } = last;
      if (problem === undefined) {
        if (record.corrupt) await quarantine.remove(digest, record.data);
        return { state: 'intact', bytes, isUnsteady: last !== first };
      }
      const { data, size } = record;
      const damaged = { digest, data, size, version, problem };
      const isPresent = last.isPassing
        ? (await index.find(digest))?.data === data
        : await quarantine.add(damaged);
      // A push has replaced the data, or a deletion removed it.
      if (isPresent) return { state: 'damaged', bytes, problem };
    }
    return { state: 'gone', bytes };
  }

  async #look(digest: Digest, record: ContentRecord, { signal }: CallOptions): Promise<Look> {
    const { store } = this.#parts;
    const retries = new Retries(readRule);
    for (;;) {
      try {
        const object = await store.get(keys.data(record.data), { signal });
        return object
          ? await this.#hash(object, { digest, size: record.size }, signal)
          : { problem: 'missing', version: '', bytes: 0 };
      } catch (error) {
        throwIfAborted(signal);
        if (!isOciError(error, 'STORAGE_FAILED')) throw error;
        const next = retries.next({ retryable: true });
        if (next.again) {
          await sleep(next.delayMs);
          continue;
        }
        // Where nothing can be read, nothing is known of this data.
        await store.head(keys.format);
        const info = await store.head(keys.data(record.data)).catch(() => undefined);
        const isPassing = error.retryable || hasCode(error.cause, ...exhausted);
        return { problem: 'unreadable', version: info?.version ?? '', bytes: 0, isPassing };
      }
    }
  }

  async #hash(
    { info, body }: StoredObject,
    expected: { readonly digest: Digest; readonly size: number },
    signal: AbortSignal | undefined,
  ): Promise<Look> {
    const { version } = info;
    if (info.size !== expected.size) {
      for await (const chunk of body) if (chunk) break;
      return { problem: 'size', version, bytes: 0 };
    }
    let bytes = 0;
    const counted = async function* (
      this: void,
      chunks: AsyncIterable<Uint8Array>,
    ): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength;
        yield chunk;
      }
    };
    const paced = this.#parts.pace.through(counted(body), signal);
    try {
      for await (const chunk of verified(paced, expected)) void chunk;
      return { version, bytes };
    } catch (error) {
      if (!isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) throw error;
      return { problem: 'digest', version, bytes };
    }
  }
}
