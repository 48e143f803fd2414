import {
  type BlobDownloader,
  BlobProgress,
  type CallOptions,
  type Descriptor,
  type EventListener,
  type ReadableRepository,
  isOciError,
  singleChunk,
} from '@oci/spec-types';
import { Retries, defaultRetryRule } from '@oci/spec-types/retry';
import { embeddedContent } from '@oci/spec-types/node';

import type { RepeatableBody } from '../upload/blob-body.js';
import {
  type WritableRepository,
  canDownload,
  canExamine,
  canMount,
  isLocated,
  takesDownloads,
} from './ability.js';
import type { CopyEvent } from './copy-event.js';
import { atSide, withSide } from './side.js';

/** How a blob came to be at the target. */
export type BlobOutcome = 'copied' | 'mounted' | 'skipped';

export interface BlobCopyOptions {
  readonly emit: EventListener<CopyEvent>;
  /** How many times a blob is begun, from 1. */
  readonly attempts: number;
  /** Whether what the target has is read before it is skipped. */
  readonly verify: boolean;
}

/** A call that moves bytes, and what tells of them. */
type ToldCall = CallOptions & { readonly progress: BlobProgress };

/** From here on a blob is worth the journal of a download that can be resumed. Bytes. */
const downloadFrom = 1024 * 1024;

/** Brings blobs from one repository to another by the best way that both know. */
export class BlobCopy {
  readonly #source: ReadableRepository;
  readonly #target: WritableRepository;
  readonly #options: BlobCopyOptions;
  /** A registry that did not mount once is not asked again. */
  #mounts: boolean;

  constructor(source: ReadableRepository, target: WritableRepository, options: BlobCopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#mounts =
      isLocated(source) &&
      canMount(target) &&
      source.origin === target.origin &&
      source.name !== target.name;
  }

  /** @throws OciError with `side` */
  async copy(descriptor: Descriptor, call: CallOptions): Promise<BlobOutcome> {
    const { attempts, emit } = this.#options;
    // Pauses have been made by those who asked the registry, and what it put off has been waited for.
    const retries = new Retries({ ...defaultRetryRule, attempts, baseDelayMs: 0, maxWaitMs: 0 });
    for (;;) {
      try {
        return await this.#attempt(descriptor, call);
      } catch (error) {
        const isLast = !isOciError(error) || call.signal?.aborted || !retries.next(error).again;
        if (isLast) throw error;
        const attempt = retries.failures + 1;
        emit({ type: 'retry', attempt, delayMs: 0, reason: error.message });
      }
    }
  }

  async #attempt(descriptor: Descriptor, call: CallOptions): Promise<BlobOutcome> {
    const { digest, size } = descriptor;
    const { emit } = this.#options;
    if (await atSide('destination', () => this.#isThere(descriptor, call))) {
      emit({ type: 'cached', digest, size });
      return 'skipped';
    }
    if (await this.#mount(descriptor, call)) {
      emit({ type: 'mount', digest, size });
      return 'mounted';
    }
    const progress = new BlobProgress(descriptor, emit);
    const below = { ...call, onEvent: progress.below(), progress };
    progress.start();
    if (!(await this.#download(descriptor, below))) await this.#stream(descriptor, below);
    progress.done();
    return 'copied';
  }

  #isThere(descriptor: Descriptor, call: CallOptions): Promise<boolean> {
    const target = this.#target;
    if (this.#options.verify && canExamine(target)) return target.hasIntactBlob(descriptor, call);
    return target.hasBlob(descriptor, call);
  }

  async #mount(descriptor: Descriptor, call: CallOptions): Promise<boolean> {
    const source = this.#source;
    const target = this.#target;
    if (!this.#mounts || !isLocated(source) || !canMount(target)) return false;
    const isMounted = await atSide('destination', () =>
      target.mountBlob(descriptor, source.name, call),
    );
    if (!isMounted) this.#mounts = false;
    return isMounted;
  }

  async #download(descriptor: Descriptor, { signal, onEvent }: CallOptions): Promise<boolean> {
    const source = this.#source;
    const target = this.#target;
    if (descriptor.size < downloadFrom || !canDownload(source) || !takesDownloads(target))
      return false;
    const downloader: BlobDownloader = {
      downloadBlob: (...args) =>
        source.downloadBlob(...args).catch((error: unknown) => {
          // It writes to the target's disk.
          const isStorage = isOciError(error, 'STORAGE_DENIED', 'STORAGE_FAILED', 'STORAGE_FULL');
          throw withSide(error, isStorage ? 'destination' : 'source');
        }),
    };
    return atSide('destination', () =>
      target.takeBlob(descriptor, downloader, { signal, onEvent }),
    );
  }

  async #stream(descriptor: Descriptor, { progress, ...call }: ToldCall): Promise<void> {
    const body = new SourceBody(this.#source, descriptor, { ...call, progress });
    try {
      const push = { ...call, assumeMissing: true };
      await atSide('destination', () => this.#target.pushBlob(descriptor, body, push));
    } catch (error) {
      // Whatever the target made of it, the failure is the source's.
      throw body.failure ?? error;
    }
  }
}

/** The bytes of the source, asked for when the target wants the first, and again when it has lost some. */
class SourceBody implements RepeatableBody {
  readonly isRepeatable = true;
  /** By the contract of `fetchBlob`. */
  readonly isVerified = true;
  readonly #source: ReadableRepository;
  readonly #descriptor: Descriptor;
  readonly #call: ToldCall;
  failure: unknown;

  constructor(source: ReadableRepository, descriptor: Descriptor, call: ToldCall) {
    this.#source = source;
    this.#descriptor = descriptor;
    this.#call = call;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let done = 0;
    this.failure = undefined;
    try {
      for await (const chunk of await this.#open()) {
        yield chunk;
        done += chunk.byteLength;
        this.#call.progress.moved(done);
      }
    } catch (error) {
      this.failure = withSide(error, 'source');
      throw this.failure;
    }
  }

  async #open(): Promise<AsyncIterable<Uint8Array>> {
    const embedded = embeddedContent(this.#descriptor);
    if (embedded) return singleChunk(embedded);
    const { signal, onEvent } = this.#call;
    return this.#source.fetchBlob(this.#descriptor, { signal, onEvent });
  }
}
