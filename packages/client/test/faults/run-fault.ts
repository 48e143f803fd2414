import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { type TransferEvent, asOciError } from '@oci/spec-types';
import { startRegistry, temporaryDirectory } from '@oci/testing';

import { createRegistry } from '../../src/registry.js';
import type { FaultResult, FaultRow } from './fault-row.js';
import {
  type FaultSite,
  artifact,
  blobBytes,
  downloadPath,
  name,
  operations,
  tag,
} from './operations.js';

/** One request after the other, for each part of a blob. */
const inParts = { connections: 1, segmentBytes: 100_000, leastBytes: 100_000, parallelFrom: 1 };

/** Breaks something, works with it, and says what was seen. @param workers for downloads */
export async function runFault(row: FaultRow, workers: number): Promise<FaultResult> {
  await using directory = await temporaryDirectory();
  await using registry = await startRegistry(row.registry);
  await using raw = row.serve ? await listen(row.serve) : undefined;
  registry.putArtifact(name, tag, artifact);
  registry.putBlob(name, blobBytes);
  for (const fault of row.faults ?? []) registry.fault(fault);
  const client = createRegistry({
    url: addressOf(row, raw ? `http://127.0.0.1:${raw.port}` : registry.url),
    retry: { delay: onlyAsked, random: () => 0 },
    ...row.client,
    download: { ...inParts, workers, ...row.client?.download },
  });
  const events: TransferEvent[] = [];
  const site: FaultSite = {
    registry,
    client,
    directory: directory.path,
    path: downloadPath(directory.path),
    onEvent: (event) => void events.push(event),
  };
  try {
    await row.prepare?.(site);
    const outcome = await operations[row.operation](site).catch(told);
    const asked = raw
      ? [plural(raw.connections(), 'connection')]
      : [compressed(registry.requests.map(({ method }) => method))];
    return { did: [...asked, ...happened(events)].join('; '), outcome };
  } finally {
    await client.close();
  }
}

function addressOf({ scheme }: FaultRow, url: string): string {
  return scheme === undefined ? url : url.replace(/^https?/, scheme);
}

/** Waits where a registry asked for it, and nowhere else. */
async function onlyAsked(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await sleep(milliseconds);
}

/** A defect is no outcome. */
function told(thrown: unknown): string {
  const error = asOciError(thrown);
  if (error.code === 'INTERNAL') throw error;
  return error.code;
}

function happened(events: readonly TransferEvent[]): string[] {
  const words = events.flatMap((event) => {
    switch (event.type) {
      case 'retry':
        return ['tried again'];
      case 'wait':
        return [`waited ${Math.ceil(event.delayMs / 1000)} s`];
      case 'resume':
        return [`went on at ${event.offset}`];
      case 'warning':
        return ['warned'];
      default:
        return [];
    }
  });
  return words.length === 0 ? [] : [compressed(words)];
}

/** Equal neighbours, and pairs of them, as one with their number. */
function compressed(words: readonly string[]): string {
  const texts: string[] = [];
  for (let at = 0; at < words.length;) {
    const pairs = repeats(words, at, 2);
    const width = pairs > 1 && words[at] !== words[at + 1] ? 2 : 1;
    const count = width === 2 ? pairs : repeats(words, at, 1);
    const text = words.slice(at, at + width).join(', ');
    if (count === 1) texts.push(text);
    else texts.push(width === 2 ? `(${text}) x${count}` : `${text} x${count}`);
    at += width * count;
  }
  return texts.length === 0 ? 'asked nobody' : texts.join(', ');
}

/** How often the words from `at` come one after another. */
function repeats(words: readonly string[], at: number, width: number): number {
  const key = words.slice(at, at + width).join();
  let count = 1;
  while (words.slice(at + width * count, at + width * (count + 1)).join() === key) count += 1;
  return count;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

async function listen(
  serve: (socket: Socket, connection: number) => void,
): Promise<AsyncDisposable & { readonly port: number; connections: () => number }> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('data', () => (asked += 1));
    socket.on('error', () => {});
    serve(socket, sockets.size);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
