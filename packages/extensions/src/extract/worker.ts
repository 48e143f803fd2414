import { parentPort, workerData } from 'node:worker_threads';

import { asOciError } from '@oci/spec-types';

import { type UnpackRequest, type UnpackResult, unpack } from './unpack.js';

/** What the thread answers; an error loses its class on the way. */
export type UnpackAnswer =
  | { readonly result: UnpackResult }
  | { readonly error: Pick<ReturnType<typeof asOciError>, 'code' | 'message' | 'hint'> };

const answer = await unpack(workerData as UnpackRequest).then(
  (result): UnpackAnswer => ({ result }),
  (thrown: unknown): UnpackAnswer => {
    const { code, message, hint } = asOciError(thrown);
    return { error: { code, message, hint } };
  },
);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
parentPort?.postMessage(answer);
