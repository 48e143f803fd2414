import { OciError } from '@oci/spec-types';

import { runCollectionAlone } from '../collection-run.js';
import { callerKey } from '../http/rate-limit.js';
import type { CallerContext } from '../http/request-context.js';
import { runRetentionAlone } from '../retention-run.js';
import type { ServerParts } from '../server-parts.js';
import { runVerification } from '../verification-run.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type { JobJson } from './json/job-json.js';
import { retentionJson } from './json/retention-json.js';
import {
  type CollectRequest,
  type StorageJson,
  collectionJson,
  timeOf,
} from './json/storage-json.js';
import { type VerifyStorageRequest, passJson, verificationJson } from './json/verification-json.js';

export function storageHandlers(
  parts: ServerParts,
): Handlers<'getStorage' | 'collectStorage' | 'verifyStorage' | 'runRetention'> {
  const { gate } = parts;
  return {
    getStorage(_, { context }) {
      gate.require(context, 'observe');
      return storageJson(parts);
    },
    collectStorage(request, call) {
      gate.require(call.context, 'admin');
      return startCollection(parts, request, call);
    },
    runRetention(request, call) {
      gate.require(call.context, 'admin');
      return startRetention(parts, request, call);
    },
    verifyStorage(request, call) {
      gate.require(call.context, 'admin');
      return startVerification(parts, request, call);
    },
  };
}

async function storageJson({ hosted }: ServerParts): Promise<StorageJson> {
  const [collection, verification, retention] = await Promise.all([
    hosted.collection.status(),
    hosted.verification.status(),
    hosted.retention.status(),
  ]);
  return {
    collection: statusJson(collection, collectionJson),
    verification: verificationJson(verification),
    retention: statusJson(retention, retentionJson),
  };
}

function statusJson<Report, Json>(
  status: { runningSince: number | undefined; last?: Report; lastDryRun?: Report },
  json: (report: Report) => Json,
): { running_since: string | null; last: Json | null; last_dry_run: Json | null } {
  const { runningSince, last, lastDryRun } = status;
  return {
    running_since: runningSince === undefined ? null : timeOf(runningSince),
    last: last ? json(last) : null,
    last_dry_run: lastDryRun ? json(lastDryRun) : null,
  };
}

function startRetention(
  parts: ServerParts,
  { dry_run: dryRun = false }: CollectRequest,
  { context }: ApiCall,
): JobJson {
  const { who, client, id: request_id } = context;
  return parts.jobs.start({
    kind: 'retention',
    owner: callerKey(context.caller.identity, client),
    async run({ signal }) {
      requireStill(parts, context);
      const call = { dryRun, signal };
      const report = await runRetentionAlone(parts, call, { who, client, request_id });
      return { retention: retentionJson(report) };
    },
  });
}

function startCollection(
  parts: ServerParts,
  { dry_run: dryRun = false }: CollectRequest,
  { context }: ApiCall,
): JobJson {
  const { who, client, id: request_id } = context;
  return parts.jobs.start({
    kind: 'collect',
    owner: callerKey(context.caller.identity, client),
    async run({ signal }) {
      requireStill(parts, context);
      const call = { dryRun, signal };
      const report = await runCollectionAlone(parts, call, { who, client, request_id });
      return { collection: collectionJson(report) };
    },
  });
}

function startVerification(
  parts: ServerParts,
  { restart, max_bytes: maxBytes, max_seconds: seconds }: VerifyStorageRequest,
  { context }: ApiCall,
): JobJson {
  const { who, client, id: request_id } = context;
  const maxMs = seconds === undefined ? undefined : seconds * 1000;
  return parts.jobs.start({
    kind: 'verify',
    owner: callerKey(context.caller.identity, client),
    async run({ signal }) {
      requireStill(parts, context);
      const call = { restart, maxBytes, maxMs, signal };
      const report = await runVerification(parts, call, { who, client, request_id });
      if (report) return { verification: passJson(report) };
      throw new OciError('STORAGE_FAILED', 'another verification runs', {
        retryable: true,
        hint: 'Wait for it: GET /api/v1/oci/storage says how far it is.',
      });
    },
  });
}

/** A job may have waited for long: the credential and the rules have to allow it still. */
function requireStill({ gate }: ServerParts, context: CallerContext): void {
  if (!gate.standing.holds(context.caller))
    throw new OciError('POLICY_REFUSED', 'the credential that began the job is no longer valid');
  gate.require(context, 'admin');
}
