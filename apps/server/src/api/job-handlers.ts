import type { ServerResponse } from 'node:http';

import { OciError } from '@oci/spec-types';
import type { JobJson, JobRequest } from '@oci/spec-types/api';

import { anonymous } from '../access/caller.js';
import { callerKey } from '../http/rate-limit.js';
import { Refusal } from '../http/refusal.js';
import type { CallerContext } from '../http/request-context.js';
import type { JobResult } from '../jobs/job-queue.js';
import type { ServerParts } from '../server-parts.js';
import { type PullCall, installArtifact, pullArtifact, repositoryOf } from './artifact-pull.js';
import type { Handlers } from './handlers.js';

export function jobHandlers(
  parts: ServerParts,
): Pick<Handlers, 'startJob' | 'listJobs' | 'getJob' | 'cancelJob'> {
  const { jobs } = parts;
  return {
    startJob(request, { context }) {
      requireRight(parts, request, context);
      requireOwner(parts, context);
      return jobs.start({
        request,
        owner: callerKey(context.caller.identity, context.client),
        run: (call) => runJob(parts, request, { context, ...call }),
      });
    },
    listJobs(_, { context }) {
      requireOwner(parts, context);
      return jobs.list((owner) => isShown(parts, context, owner));
    },
    getJob: ({ id }, { context }) => findJob(parts, context, id),
    async cancelJob({ id }, { context }) {
      const job = findJob(parts, context, id);
      return (await jobs.cancel(id)) ?? job;
    },
  };
}

/** How often a stream that is silent says that it is there, in milliseconds. */
const heartbeatMs = 15_000;

/**
 * Sends what happens in a job as server-sent events, until the job ends, the client goes, or the client may
 * see the job no longer.
 */
export function streamJobEvents(
  parts: ServerParts,
  { id, context }: { readonly id: string; readonly context: CallerContext },
  response: ServerResponse,
): void {
  // Nobody would be told that it has closed, and the watches would stay.
  if (response.destroyed) return;
  const send = (event: string, data: unknown): void => {
    // A client that does not read misses progress, and not our memory.
    if (event === 'progress' && response.writableNeedDrain) return;
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  let leave = (): void => {};
  // Nothing is written behind the end, which would be an error that nobody hears.
  const end = (): void => {
    leave();
    response.end();
  };
  const finish = (): void => {
    send('end', parts.jobs.get(id)?.json);
    end();
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
  const heartbeat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': still here\n\n');
  }, heartbeatMs).unref();
  const isAllowed = (): boolean => {
    const owner = parts.jobs.get(id)?.owner;
    return owner !== undefined && isShown(parts, context, owner);
  };
  const unwatch = parts.gate.standing.watch(context.caller, isAllowed, end);
  leave = () => {
    stop();
    unwatch();
    clearInterval(heartbeat);
  };
  response.on('close', leave);
}

/** A job that is somebody else's is as good as none. @throws Refusal 404 */
export function findJob(parts: ServerParts, context: CallerContext, id: string): JobJson {
  const job = parts.jobs.get(id);
  if (job && isShown(parts, context, job.owner)) return job.json;
  throw new Refusal(404, 'NOT_FOUND', `there is no job ${id}`, {
    hint: 'Jobs are forgotten when the server ends, and after 500 others have ended.',
  });
}

/** An anonymous caller owns nothing: `anonymous` stands for many. */
function isShown({ gate }: ServerParts, { caller }: CallerContext, owner: string): boolean {
  const isOwner = caller !== anonymous && owner === caller.identity;
  return isOwner || gate.access.permits(caller, 'admin');
}

function requireRight(parts: ServerParts, request: JobRequest, context: CallerContext): void {
  const action = request.kind === 'install' ? 'install' : 'pull';
  parts.gate.require(context, action, repositoryOf(parts, request));
}

/** A job is seen and cancelled by whoever began it, who has to be told from others. @throws Refusal 401 */
function requireOwner({ gate }: ServerParts, context: CallerContext): void {
  if (context.caller !== anonymous || gate.access.permits(anonymous, 'admin')) return;
  throw gate.refuse(context, 'jobs', undefined);
}

/** A job may have waited for long: the credential and the rules have to allow it still. */
async function runJob(parts: ServerParts, request: JobRequest, call: PullCall): Promise<JobResult> {
  const { context } = call;
  if (!parts.gate.standing.holds(context.caller))
    throw new OciError('POLICY_REFUSED', 'the credential that began the job is no longer valid');
  requireRight(parts, request, context);
  if (request.kind === 'install') return { install: await installArtifact(parts, request, call) };
  const { kind: _, ...artifact } = request;
  return { pull: await pullArtifact(parts, artifact, call) };
}
