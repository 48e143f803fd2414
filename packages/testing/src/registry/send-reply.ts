import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Fault } from './fault.js';
import type { RequestEntry } from './recorded-request.js';
import type { Reply } from './reply.js';

/** Statuses that have no body (RFC 9110, sections 15.3.5 and 15.4.5). */
const bodiless = new Set([204, 304]);

/** Writes an answer to the connection, and breaks it where a fault says so. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  { fault, entry }: { readonly fault: Fault; readonly entry: RequestEntry },
): Promise<void> {
  writeHead(response, reply, fault);
  entry.status = reply.status;
  const body =
    entry.method === 'HEAD' || bodiless.has(reply.status) ? new Uint8Array() : reply.body;
  const send = async (from: number, to: number): Promise<void> => {
    entry.bytesSent += await write(response, body.subarray(from, to));
  };
  const cut = Math.min(
    fault.destroyAfterBytes ?? Infinity,
    fault.truncate ?? Infinity,
    body.byteLength,
  );
  const stop = Math.min(fault.pause?.afterBytes ?? cut, cut);
  await send(0, stop);
  if (fault.pause) await fault.pause.until.catch(() => {});
  await send(stop, cut);
  if (fault.endless !== undefined) await sendEndless(response, fault.endless, entry);
  if (fault.destroyAfterBytes !== undefined) breakConnection(response.socket, fault);
  else await end(response, fault);
}

function writeHead(response: ServerResponse, reply: Reply, fault: Fault): void {
  const omitted = new Set(fault.omitHeaders?.map((name) => name.toLowerCase()));
  const length =
    fault.contentLength ?? (bodiless.has(reply.status) ? undefined : reply.body.byteLength);
  if (length !== undefined && fault.endless === undefined && !omitted.has('content-length')) {
    response.setHeader('content-length', length);
  }
  for (const [name, value] of Object.entries(reply.headers)) {
    if (!omitted.has(name)) response.setHeader(name, value);
  }
  if (omitted.has('date')) response.sendDate = false;
  if (fault.truncate !== undefined || fault.contentLength !== undefined)
    response.shouldKeepAlive = false;
  response.writeHead(reply.status);
  response.flushHeaders();
}

/** Waits until the bytes are with the operating system. @returns how many were written */
async function write(response: ServerResponse, bytes: Uint8Array): Promise<number> {
  if (bytes.byteLength === 0 || response.destroyed) return 0;
  return new Promise((resolve) => {
    const closed = (): void => resolve(0);
    response.once('close', closed);
    response.write(bytes, (error) => {
      response.off('close', closed);
      resolve(error ? 0 : bytes.byteLength);
    });
  });
}

async function sendEndless(
  response: ServerResponse,
  endless: Uint8Array | true,
  entry: RequestEntry,
): Promise<void> {
  const chunk = endless === true ? new Uint8Array(65_536) : endless;
  while (!response.destroyed) entry.bytesSent += await write(response, chunk);
}

async function end(response: ServerResponse, { truncate, contentLength }: Fault): Promise<void> {
  if (response.destroyed) return;
  const { socket } = response;
  const finished = once(response, 'close').catch(() => {});
  response.end();
  if (truncate !== undefined || contentLength !== undefined) socket?.end();
  await finished;
}

/** Closes the connection in the middle of whatever is under way. */
export function breakConnection(socket: Socket | null | undefined, { reset = false }: Fault): void {
  if (reset) socket?.resetAndDestroy();
  else socket?.destroy();
}
