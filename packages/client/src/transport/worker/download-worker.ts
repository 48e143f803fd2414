import { parentPort } from 'node:worker_threads';

import { Answer } from './answer.js';
import { Connection } from './connection.js';
import { FileHash } from './file-hash.js';
import { IdleConnections } from './idle-connections.js';
import type { AnswerMessage, FromWorker, ToWorker, WorkerRequest } from './messages.js';

/** Receives, hashes and writes what the main thread asks for: the program of a download worker. */
const answers = new Map<number, Answer>();
const hashes = new Map<number, FileHash>();
const connections = new IdleConnections();

function post(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
  parentPort?.postMessage(message);
}

function begin(id: number, request: WorkerRequest): void {
  const tell = (message: AnswerMessage): void => {
    const isLast = message.type === 'end' || message.type === 'unusable';
    if (isLast || (message.type === 'head' && message.body)) answers.delete(id);
    post({ id, ...message });
  };
  try {
    const answer = new Answer(request, connections.take(request.target), {
      post: tell,
      connect: () => new Connection(request.target),
      keep: (connection) => connections.keep(connection),
    });
    answers.set(id, answer);
  } catch {
    // A certificate that can't be read, say: the main thread meets it again, and tells it.
    tell({ type: 'unusable' });
  }
}

function hash(id: number, file: { readonly file: number; readonly algorithm: string }): void {
  const made = new FileHash(file, (digest) => {
    hashes.delete(id);
    post({ type: 'digest', id, digest });
  });
  hashes.set(id, made);
}

function handle(message: ToWorker): void {
  const { id } = message;
  switch (message.type) {
    case 'request':
      return begin(id, message.request);
    case 'receive': {
      const { place } = message;
      const own = place.hash === undefined ? undefined : hashes.get(place.hash);
      return answers.get(id)?.receive(place, own);
    }
    case 'cut':
      return answers.get(id)?.cut(message.end);
    case 'abort':
      return answers.get(id)?.abort();
    case 'hash':
      return hash(id, message);
    case 'follow':
      return hashes.get(id)?.follow(message.prefix);
    case 'digest':
      return hashes.get(id)?.finish(message.size);
    case 'forget':
      return hashes.get(id)?.forget();
  }
}

parentPort?.on('message', handle);
