import type { IncomingMessage } from 'node:http';

import type { S3Client } from '@aws-sdk/client-s3';

/** How long a service may keep a request waiting, in milliseconds. A request that is late is sent again. */
export interface S3Deadlines {
  /** Until a connection is there. Default 5 s. */
  readonly connectMs?: number | undefined;
  /** Until an answer begins, and from then on between two pieces of it. Default 20 s. */
  readonly answerMs?: number | undefined;
  /** In place of `answerMs` where a request carries content, or has the service copy or join it. Default 120 s. */
  readonly contentMs?: number | undefined;
}

export type Deadlines = { readonly [Name in keyof S3Deadlines]-?: number };

export function deadlinesOf(options: S3Deadlines = {}): Deadlines {
  const { connectMs = 5000, answerMs = 20_000, contentMs = 120_000 } = options;
  return { connectMs, answerMs, contentMs };
}

/** Requests that are answered when the service has copied or joined content; meanwhile S3 sends white space. */
const slowCommands = new Set(['CompleteMultipartUploadCommand', 'UploadPartCopyCommand']);

/** Breaks off answers that stop in the middle, which the SDK would wait for without end. */
export function watchAnswers(client: S3Client, { answerMs, contentMs }: Deadlines): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args);
        const { body, statusCode = 0 } = result.response as {
          readonly body: IncomingMessage;
          readonly statusCode?: number;
        };
        // Who reads content may stop for a while; see `readInTime`.
        const isContent = commandName === 'GetObjectCommand' && statusCode < 300;
        if (!isContent) watch(body, slowCommands.has(commandName) ? contentMs : answerMs);
        return result;
      },
    // Next to the connection, before the answer is parsed.
    { step: 'deserialize', priority: 'low', name: 'watchAnswer' },
  );
}

/** Reads the next piece of content. The time that the reader takes between two pieces does not count. */
export async function readInTime(
  body: NodeJS.ReadableStream & { destroy(error: Error): unknown },
  chunks: AsyncIterator<Buffer>,
  ms: number,
): Promise<IteratorResult<Buffer>> {
  const timer = setTimeout(() => body.destroy(stopped(ms)), ms);
  try {
    return await chunks.next();
  } finally {
    clearTimeout(timer);
  }
}

function watch(body: IncomingMessage, ms: number): void {
  const { socket } = body;
  if (body.destroyed) return;
  const onTimeout = (): void => void body.destroy(stopped(ms));
  socket.setTimeout(ms, onTimeout);
  // The next request has the connection then.
  body.once('close', () => socket.setTimeout(0, onTimeout));
}

function stopped(ms: number): Error {
  const error = new Error(`no byte of the answer came for ${ms} ms`);
  // The SDK sends the request again, as after its own deadlines.
  return Object.assign(error, { name: 'TimeoutError', code: 'ETIMEDOUT' });
}
