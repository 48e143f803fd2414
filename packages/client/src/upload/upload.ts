import {
  type BlobProgress,
  type CallOptions,
  type Descriptor,
  OciError,
  asOciError,
  throwIfAborted,
} from '@oci/spec-types';

import { type Endpoint, call } from '../repository/endpoint.js';
import type { RegistryResponse } from '../transport/exchange.js';
import { Attempts } from '../transport/retry-policy.js';
import type { UploadBody } from './blob-body.js';
import {
  type OpenSession,
  beginSession,
  cancelSession,
  closingUrl,
  findSession,
  movedSession,
  offsetOf,
  uploadSubject,
} from './upload-session.js';
import type { UploadOptions } from './upload-options.js';
import { VerifiedReader } from './verified-reader.js';

export interface Upload {
  readonly descriptor: Descriptor;
  readonly body: UploadBody;
  /** One that was begun already. */
  readonly session: OpenSession | undefined;
  /** Hears how many bytes went out. */
  readonly progress: BlobProgress;
  /** Asks the registry, for an answer that never came may have been the good one. */
  readonly isStored: () => Promise<boolean>;
}

/** What a proxy lets through that finds a whole blob too large, and what a registry gets that asks for chunks. */
const usualChunkBytes = 16 * 1024 * 1024;

/** Beginnings in all, so that a registry which loses each byte again is left one day. */
const mostRecoveries = 100;

/**
 * Sends a blob, whole or in chunks (distribution-spec, "Pushing Blobs"), and goes on after a failure
 * that may pass where the registry says it is, as far as the content can be read again.
 *
 * @throws OciError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `PROTOCOL`, `ABORTED`, and what a request fails with
 */
export async function uploadBlob(
  endpoint: Endpoint,
  upload: Upload,
  options: UploadOptions,
): Promise<void> {
  const reader = new VerifiedReader(upload.body, upload.descriptor);
  const run = new UploadRun({ endpoint, upload, reader, options });
  try {
    await run.toEnd();
  } catch (error) {
    await run.leave(asOciError(error));
    throw error;
  } finally {
    reader.close();
  }
}

interface UploadParts {
  readonly endpoint: Endpoint;
  readonly upload: Upload;
  readonly reader: VerifiedReader;
  readonly options: UploadOptions;
}

class UploadRun {
  readonly #parts: UploadParts;
  readonly #attempts: Attempts;
  readonly #remote: CallOptions;
  #session: OpenSession | undefined;
  #chunkBytes: number | undefined;
  /** Whether some bytes may be of another run, or doubled: then a wrong digest is no last word. */
  #isDoubtful: boolean;
  #furthest = 0;
  #contradictions = 0;
  #recoveries = 0;

  constructor(parts: UploadParts) {
    const { signal, onEvent, chunkBytes, uploadSession } = parts.options;
    this.#parts = parts;
    this.#remote = { signal, onEvent };
    this.#attempts = new Attempts(parts.endpoint.retryPolicy, this.#remote);
    this.#chunkBytes = chunkBytes;
    this.#session = parts.upload.session;
    this.#isDoubtful = uploadSession !== undefined;
  }

  async toEnd(): Promise<void> {
    if (this.#isDoubtful) this.#session = await this.#find();
    if (this.#session) this.#moveTo(this.#session);
    for (let isStored = false; !isStored;) {
      try {
        isStored = await this.#step();
      } catch (thrown) {
        isStored = await this.#recover(asOciError(thrown));
      }
    }
  }

  /** Ends the session of an upload that failed, unless somebody keeps it. */
  async leave(error: OciError): Promise<void> {
    const { endpoint, upload, options } = this.#parts;
    const isKept = options.onUploadSession && error.retryable && !options.signal?.aborted;
    const session = this.#session;
    if (session && !isKept) await cancelSession(endpoint, { ...upload, session });
  }

  /** One request. @returns whether the blob is stored */
  async #step(): Promise<boolean> {
    const { endpoint, upload, options } = this.#parts;
    const { size } = upload.descriptor;
    const session =
      this.#session ?? (await beginSession(endpoint, upload.descriptor, this.#remote));
    if (!this.#session) this.#moveTo(session);
    const asked = this.#chunkBytes ?? (session.minChunkBytes > 0 ? usualChunkBytes : Infinity);
    const end = Math.min(size, session.offset + Math.max(asked, session.minChunkBytes));
    const isWhole = session.offset === 0 && end === size;
    throwIfAborted(options.signal);
    if (session.offset < size && !isWhole) {
      await this.#sendChunk(session, end);
      return false;
    }
    await this.#close(session);
    return true;
  }

  /** Sends what is missing and ends the session; a blob in chunks is ended by a request without bytes. */
  async #close(session: OpenSession): Promise<void> {
    const { endpoint, upload, reader } = this.#parts;
    const { size } = upload.descriptor;
    const isEmpty = session.offset === size;
    if (isEmpty) await reader.finish();
    const response = await call(endpoint, {
      ...this.#remote,
      method: 'PUT',
      target: closingUrl(session, upload.descriptor),
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(size - session.offset),
      },
      body: isEmpty ? undefined : this.#read(session.offset, size),
      subject: uploadSubject(endpoint, upload.descriptor),
      expected: [201, 204],
    });
    await response.body.dump();
  }

  async *#read(from: number, to: number): AsyncGenerator<Uint8Array, void, undefined> {
    const { reader, upload } = this.#parts;
    let done = from;
    for await (const chunk of reader.read(from, to)) {
      done += chunk.byteLength;
      upload.progress.moved(done);
      yield chunk;
    }
  }

  async #sendChunk(session: OpenSession, end: number): Promise<void> {
    const { endpoint, upload } = this.#parts;
    const { offset } = session;
    const response = await call(endpoint, {
      ...this.#remote,
      method: 'PATCH',
      target: session.location,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(end - offset),
        'content-range': `${offset}-${end - 1}`,
      },
      body: this.#read(offset, end),
      subject: uploadSubject(endpoint, upload.descriptor),
      expected: [201, 202, 204, 416],
    });
    await response.body.dump();
    const moved = movedSession(session, response);
    this.#session = moved;
    const isTaken = response.status !== 416;
    const there = offsetOf(response, isTaken ? end : offset) ?? (isTaken ? end : undefined);
    if (there === end) this.#moveTo({ ...moved, offset: end });
    else await this.#correct(there, { from: offset, response });
  }

  /** The registry is elsewhere than we thought: goes on there, or, when it contradicts itself, from the start. */
  async #correct(
    there: number | undefined,
    { from, response }: { from: number; response: RegistryResponse },
  ): Promise<void> {
    const { upload } = this.#parts;
    const { host } = response.url;
    const failure = new OciError(
      'PROTOCOL',
      `${host} has ${there ?? 'another number of'} bytes of ${upload.descriptor.digest} where ${from} were sent before`,
      {
        hint: 'Push again; if it stays, push without chunks.',
        request: { method: 'PATCH', url: response.url.href, status: response.status, attempts: 1 },
      },
    );
    await this.#pause(failure);
    const old = this.#session;
    const found = there === undefined || !old ? await this.#find() : { ...old, offset: there };
    // Once it may be the location that was old, and not the place.
    const isNews = found?.offset !== from || this.#contradictions++ === 0;
    const isUsable = found && isNews && found.offset <= upload.descriptor.size;
    await this.#goOn(isUsable ? found : undefined, failure);
  }

  /** @returns whether the blob turned out to be stored */
  async #recover(error: OciError): Promise<boolean> {
    const { upload } = this.#parts;
    const isSpoilt = this.#isDoubtful && says(error, 'DIGEST_INVALID');
    if (!isSpoilt && !this.#mayPass(error)) throw error;
    await this.#pause(error);
    // What is lost as one request again and again may pass in smaller ones, as through a proxy with a deadline.
    if (this.#attempts.failures > 1) this.#chunkBytes ??= usualChunkBytes;
    const found = isSpoilt ? undefined : await this.#find();
    if (!found && this.#session && (await upload.isStored())) return true;
    await this.#goOn(found, error);
    return false;
  }

  #mayPass(error: OciError): boolean {
    if (error.retryable) return true;
    if (!this.#session) return false;
    const status = error.request?.status;
    if (status === 413 && this.#chunkBytes === undefined) {
      this.#chunkBytes = usualChunkBytes;
      return this.#parts.upload.descriptor.size > usualChunkBytes;
    }
    // A token may have ended between two requests; the next request gets another.
    if (status === 401 || status === 404 || status === 416) return true;
    return says(error, 'BLOB_UPLOAD_INVALID', 'BLOB_UPLOAD_UNKNOWN', 'RANGE_INVALID');
  }

  #find(): Promise<OpenSession | undefined> {
    const { endpoint, upload } = this.#parts;
    const session = this.#session;
    if (!session) return Promise.resolve(undefined);
    return findSession(endpoint, { ...upload, session }, this.#remote);
  }

  /** Goes on in a session, or anew: then the old one is no use to anybody. */
  async #goOn(session: OpenSession | undefined, cause: OciError): Promise<void> {
    const { endpoint, upload, reader } = this.#parts;
    const offset = session?.offset ?? 0;
    if (!reader.canRead(offset)) throw cause;
    this.#isDoubtful = session !== undefined;
    const old = this.#session;
    this.#session = undefined;
    if (!session) {
      if (old) await cancelSession(endpoint, { ...upload, session: old });
      return;
    }
    this.#moveTo(session);
    this.#remote.onEvent?.({ type: 'resume', digest: upload.descriptor.digest, offset });
  }

  #moveTo(session: OpenSession): void {
    this.#session = session;
    if (session.offset > this.#furthest) {
      this.#furthest = session.offset;
      this.#attempts.advanced();
    }
    const { location, offset } = session;
    this.#parts.options.onUploadSession?.({ location: location.href, offset });
  }

  /** Counts a failure that may pass, and waits. @throws the failure when it is the last */
  async #pause(error: OciError): Promise<void> {
    this.#recoveries += 1;
    throwIfAborted(this.#remote.signal);
    if (this.#recoveries >= mostRecoveries) throw error;
    await this.#attempts.again(error, { mayPass: true });
  }
}

function says(error: OciError, ...codes: readonly string[]): boolean {
  return error.registryErrors.some(({ code }) => codes.includes(code));
}
