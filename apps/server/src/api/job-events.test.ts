import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

import { parseDigest } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { Access } from '../access/access.js';
import type { Caller } from '../access/caller.js';
import { Standing } from '../access/standing.js';
import { JobQueue, type JobResult } from '../jobs/job-queue.js';
import type { ServerParts } from '../server-parts.js';
import { streamJobEvents } from './job-events.js';

const token = { name: 'ci', hash: `sha256:${'a'.repeat(64)}` };
const caller: Caller = {
  subject: 'token:ci',
  names: ['token:ci'],
  identity: 'token:ci',
  credential: { id: 'token:other' },
};
const event = {
  type: 'bytes',
  digest: parseDigest(`sha256:${'b'.repeat(64)}`),
  done: 1,
  size: 2,
} as const;

/** A job that runs, and a stream of its events that can be watched. */
function bench() {
  const jobs = new JobQueue();
  let progress = (): void => {};
  const { id } = jobs.start({
    kind: 'kcl',
    owner: caller.identity,
    run: ({ onEvent }) => {
      progress = () => onEvent(event);
      return new Promise<JobResult>(() => {});
    },
  });
  const access = new Access({ tokens: [token] });
  const standing = new Standing(() => access);
  const parts = { jobs, gate: { standing, access } } as unknown as ServerParts;
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const written: string[] = [];
  response.write = (chunk: string) => {
    expect(response.writableEnded).toBe(false);
    written.push(chunk.split('\n', 1)[0] ?? '');
    return true;
  };
  const context = { id: 'one', client: '192.0.2.1', startedAt: 0, who: caller.subject, caller };
  const stream = () => streamJobEvents(parts, { id, context }, response);
  return { response, standing, written, stream, progress: () => progress() };
}

test('nothing is written behind the end of a stream that was revoked while nobody read it', () => {
  const { response, standing, written, stream, progress } = bench();
  stream();
  progress();
  standing.check();
  expect(response.writableEnded).toBe(true);
  progress();
  expect(written).toEqual(['event: job', 'event: progress']);
});

test('a client that left before its stream began is not watched for', () => {
  const { response, written, stream, progress } = bench();
  response.destroy();
  stream();
  progress();
  expect(written).toEqual([]);
});
