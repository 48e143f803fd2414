import { OciError } from '@oci/spec-types';

import { anonymous } from '../access/caller.js';
import { callerKey } from '../http/rate-limit.js';
import { Refusal } from '../http/refusal.js';
import type { CallerContext } from '../http/request-context.js';
import type { JobResult } from '../jobs/job-queue.js';
import type { ServerParts } from '../server-parts.js';
import { installArtifact, pullArtifact, repositoryOf } from './artifact-pull.js';
import type { Handlers } from './endpoint.js';
import type { JobJson, JobRequest } from './json/job-json.js';
import type { PullCall } from './pull-record.js';

export function jobHandlers(
  parts: ServerParts,
): Handlers<'startJob' | 'listJobs' | 'getJob' | 'cancelJob'> {
  const { jobs } = parts;
  return {
    startJob(request, { context }) {
      requireRight(parts, request, context);
      requireOwner(parts, context);
      return jobs.start({
        kind: request.kind,
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

/** A job that is somebody else's is as good as none. @throws Refusal 404 */
export function findJob(parts: ServerParts, context: CallerContext, id: string): JobJson {
  const job = parts.jobs.get(id);
  if (job && isShown(parts, context, job.owner)) return job.json;
  throw new Refusal(404, 'NOT_FOUND', `there is no job ${id}`, {
    hint: 'Jobs are forgotten when the server ends, and after 500 others have ended.',
  });
}

/** Returns whether a caller may see a job: an anonymous caller owns nothing, as `anonymous` stands for many. */
export function isShown({ gate }: ServerParts, { caller }: CallerContext, owner: string): boolean {
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
