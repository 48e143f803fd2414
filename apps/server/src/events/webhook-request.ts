import { type IncomingMessage, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { rootCertificates } from 'node:tls';

import { isTransientStatus } from '@oci/spec-types/retry';
import { parseRetryAfter } from '@oci/spec-types/registry-api';

import type { CloudEvent } from './cloud-event.js';
import { signatureHeaders } from './signature.js';
import type { WebhookOptions } from './webhook.js';

/** How a request to a webhook ended. */
export type WebhookAnswer =
  | { readonly isTaken: true; readonly status: number }
  | {
      readonly isTaken: false;
      /** In words, without what the receiver wrote. */
      readonly why: string;
      readonly status?: number;
      /** The receiver answered, and others of its kind may be taken: it is this event that is refused. */
      readonly isRefused: boolean;
      /** Milliseconds that the receiver asked to be left alone for. */
      readonly retryAfterMs?: number;
    };

/** Bytes of an answer that are read, so that its connection can be used again. */
const maxAnswerBytes = 64 * 1024;
const idleMs = 4000;

/** The connections to one webhook, and how events are sent over them. */
export class WebhookConnection {
  readonly #options: WebhookOptions;
  readonly #url: URL;
  readonly #agent: HttpAgent;
  #sending = 0;
  #isClosed = false;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const { ca } = options;
    const pool = { keepAlive: true, timeout: idleMs, maxFreeSockets: 1 };
    this.#agent =
      this.#url.protocol === 'https:'
        ? new HttpsAgent({ ...pool, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) })
        : new HttpAgent(pool);
  }

  /** Sends an event, and follows no redirect: events go where the configuration says, and nowhere else. */
  async send(event: CloudEvent, signal?: AbortSignal): Promise<WebhookAnswer> {
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    const ending = signal ? AbortSignal.any([signal, deadline]) : deadline;
    this.#sending += 1;
    try {
      const response = await this.#request(JSON.stringify(event), event.id, ending);
      await drain(response);
      return answerOf(response);
    } catch (error) {
      if (!deadline.aborted) return { isTaken: false, why: failureOf(error), isRefused: false };
      const why = `no answer within ${this.#options.timeoutMs} ms`;
      return { isTaken: false, why, isRefused: false };
    } finally {
      this.#sending -= 1;
      if (this.#isClosed) this.close();
    }
  }

  /** Closes when nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#sending === 0) this.#agent.destroy();
  }

  #request(body: string, id: string, signal: AbortSignal): Promise<IncomingMessage> {
    const { secrets, authorization } = this.#options;
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'oci-server',
      ...(authorization !== undefined && { authorization }),
      ...signatureHeaders({ id, timestamp, body }, secrets),
    };
    const start = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    const attempt = (): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const options = { method: 'POST', agent: this.#agent, headers, signal };
        let isAnswered = false;
        let isFailed = false;
        const request = start(this.#url, options, (response) => {
          isAnswered = true;
          resolve(response);
        });
        request.on('error', (error: NodeJS.ErrnoException) => {
          isFailed = true;
          // The receiver closed an idle connection at the moment in which it was used again.
          const isStale = request.reusedSocket && !isAnswered && error.code === 'ECONNRESET';
          if (isStale && !signal.aborted) attempt().then(resolve, reject);
          else reject(error);
        });
        // Node closes the connection of an answer 101 and says nothing more.
        request.on('close', () => {
          if (!isAnswered && !isFailed) reject(new Error('the connection was closed'));
        });
        request.end(body);
      });
    return attempt();
  }
}

/** Reads what there is of an answer, within a bound; its status counts, however it ends. */
async function drain(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength;
      if (bytes > maxAnswerBytes) break;
    }
  } catch {
    // The status has come.
  }
}

function answerOf({ statusCode: status = 0, headers }: IncomingMessage): WebhookAnswer {
  if (status >= 200 && status < 300) return { isTaken: true, status };
  const retryAfterMs = parseRetryAfter(headers['retry-after']);
  const isRedirect = status >= 300 && status < 400;
  return {
    isTaken: false,
    status,
    why: isRedirect ? `status ${status}: redirects are not followed` : `status ${status}`,
    // A proxy answers so for a receiver that is not there.
    isRefused: !isTransientStatus(status) || status === 500,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** A code of Node or OpenSSL, as messages may hold more. */
function failureOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  return errors?.[0] === undefined ? 'the connection broke' : failureOf(errors[0]);
}
