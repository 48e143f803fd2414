import { createHmac } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  createServer,
} from 'node:http';
import type { AddressInfo } from 'node:net';

import type { CloudEvent } from '../src/events/cloud-event.js';
import { type WebhookOptions, eventGroups } from '../src/events/webhook.js';

/** A request that a receiver got. */
interface Received {
  readonly event: CloudEvent;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** How a receiver answers one request. Default: 204. */
export type Answer = (...args: [...Parameters<RequestListener>, event: CloudEvent]) => void;

/** A receiver of webhooks on a port of its own. */
export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** Events that it took, in the order in which they came. */
  readonly taken: readonly CloudEvent[];
  answer: Answer;
  /** Settles when so many requests have come. */
  got(count: number): Promise<void>;
  /** Settles when so many were taken. */
  took(count: number): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const secret = Buffer.alloc(32, 7);

/** Starts a receiver that takes what is signed with {@link secret}. */
export async function startReceiver(answer: Answer = take): Promise<Receiver> {
  const received: Received[] = [];
  const taken: CloudEvent[] = [];
  const changes = new EventEmitter().setMaxListeners(0);
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    const event = JSON.parse(body) as CloudEvent;
    received.push({ event, body, headers: request.headers });
    response.on('finish', () => {
      if (response.statusCode < 300) taken.push(event);
      changes.emit('change');
    });
    if (isSigned(request.headers, body)) receiver.answer(request, response, event);
    else response.writeHead(401).end();
    changes.emit('change');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const until = async (list: readonly unknown[], count: number): Promise<void> => {
    while (list.length < count) await once(changes, 'change');
  };
  const close = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/oci`,
    received,
    taken,
    answer,
    got: (count) => until(received, count),
    took: (count) => until(taken, count),
    close,
    [Symbol.asyncDispose]: close,
  };
  return receiver;
}

const take: Answer = (_, response) => void response.writeHead(204).end();

/** A webhook of all events, with changes. */
export function webhookTo(url: string, change: Partial<WebhookOptions> = {}): WebhookOptions {
  return {
    name: 'test',
    url,
    events: eventGroups,
    repositories: ['*'],
    secrets: [secret],
    timeoutMs: 5000,
    giveUpMs: 60_000,
    ...change,
  };
}

function isSigned(headers: IncomingHttpHeaders, body: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': sent, 'webhook-signature': given } = headers;
  const expected = createHmac('sha256', secret).update(`${String(id)}.${String(sent)}.${body}`);
  return String(given)
    .split(' ')
    .includes(`v1,${expected.digest('base64')}`);
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
  return text;
}
