import type { ServerResponse } from 'node:http';

import type { JobJson, JobRequest } from '@oci/spec-types/api';

import { Refusal } from '../http/refusal.js';
import type { RequestContext } from '../http/request-context.js';
import type { JobResult } from '../jobs/job-queue.js';
import type { ServerParts } from '../server-parts.js';
import { type PullCall, installArtifact, pullArtifact, repositoryOf } from './artifact-pull.js';
import type { Handlers } from './handlers.js';

export function jobHandlers(
  parts: ServerParts,
): Pick<Handlers, 'startJob' | 'listJobs' | 'getJob' | 'cancelJob'> {
  const { gate, jobs } = parts;
  return {
    startJob(request, { context }) {
      const action = request.kind === 'install' ? 'install' : 'pull';
      gate.require(context, action, repositoryOf(parts, request));
      return jobs.start({
        request,
        owner: context.caller.subject,
        run: (call) => runJob(parts, request, { context, ...call }),
      });
    },
    listJobs: (_, { context }) => jobs.list((owner) => isShown(parts, context, owner)),
    getJob: ({ id }, { context }) => findJob(parts, context, id),
    async cancelJob({ id }, { context }) {
      const job = findJob(parts, context, id);
      return (await jobs.cancel(id)) ?? job;
    },
  };
}

/** How often a stream that is silent says that it is there, in milliseconds. */
const heartbeatMs = 15_000;

/** Sends what happens in a job as server-sent events, until it ends or the client goes. */
export function streamJobEvents(parts: ServerParts, id: string, response: ServerResponse): void {
  const send = (event: string, data: unknown): void => {
    // A client that does not read misses progress, and not our memory.
    if (event === 'progress' && response.writableNeedDrain) return;
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const finish = (): void => {
    send('end', parts.jobs.get(id)?.json);
    response.end();
  };
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const job = parts.jobs.get(id)?.json;
  send('job', job);
  if (job?.finished_at != null) return finish();
  const stop = parts.jobs.watch(id, (event) =>
    event === 'end' ? finish() : send('progress', event),
  );
  const heartbeat = setInterval(() => response.write(': still here\n\n'), heartbeatMs).unref();
  response.on('close', () => {
    stop();
    clearInterval(heartbeat);
  });
}

/** A job that is somebody else's is as good as none. @throws Refusal 404 */
export function findJob(parts: ServerParts, context: RequestContext, id: string): JobJson {
  const job = parts.jobs.get(id);
  if (job && isShown(parts, context, job.owner)) return job.json;
  throw new Refusal(404, 'NOT_FOUND', `there is no job ${id}`, {
    hint: 'Jobs are forgotten when the server ends, and after 500 others have ended.',
  });
}

function isShown({ gate }: ServerParts, { caller }: RequestContext, owner: string): boolean {
  return owner === caller.subject || gate.access.permits(caller, 'admin');
}

async function runJob(parts: ServerParts, request: JobRequest, call: PullCall): Promise<JobResult> {
  if (request.kind === 'install') return { install: await installArtifact(parts, request, call) };
  const { kind: _, ...artifact } = request;
  return { pull: await pullArtifact(parts, artifact, call) };
}
