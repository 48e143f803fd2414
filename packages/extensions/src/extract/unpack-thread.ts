import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';

import { OciError, abortError, asOciError, throwIfAborted } from '@oci/spec-types';

import { type UnpackRequest, type UnpackResult, unpack } from './unpack.js';
import type { UnpackAnswer } from './worker.js';

/**
 * Unpacks in a thread of its own, which the signal ends at once. Where the thread's file is not beside
 * this one, as in a bundle that left it out or when run from source, it unpacks in this thread.
 *
 * @throws OciError as {@link unpack} does, and `ABORTED`
 */
export async function unpackInThread(
  request: UnpackRequest,
  signal: AbortSignal | undefined,
): Promise<UnpackResult> {
  throwIfAborted(signal);
  const file = new URL('./extract-worker.js', import.meta.url);
  if (!existsSync(fileURLToPath(file))) return unpack(request, signal);
  const { Worker } = await import('node:worker_threads');
  throwIfAborted(signal);
  const worker = new Worker(file, { workerData: request, stdin: false });
  const stop = (): void => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const answer = await answerOf(worker, signal);
    if ('result' in answer) return answer.result;
    const { code, message, hint } = answer.error;
    throw new OciError(code, message, { hint });
  } finally {
    signal?.removeEventListener('abort', stop);
    // Nothing writes any more once this is over, so what was half unpacked can be removed.
    await worker.terminate();
  }
}

function answerOf(worker: Worker, signal: AbortSignal | undefined): Promise<UnpackAnswer> {
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: UnpackAnswer) => resolve(answer));
    worker.once('error', (error) => reject(asOciError(error)));
    worker.once('exit', (code) => {
      const ended = new OciError('INTERNAL', `the unpacking thread ended with ${code}`);
      reject(signal?.aborted ? abortError(signal) : ended);
    });
  });
}
