import { OciError } from '@oci/spec-types';

import { runCollection } from '../collection-run.js';
import { callerKey } from '../http/rate-limit.js';
import type { ServerParts } from '../server-parts.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type { JobJson } from './json/job-json.js';
import {
  type CollectRequest,
  type StorageJson,
  collectionJson,
  timeOf,
} from './json/storage-json.js';

export function storageHandlers(parts: ServerParts): Handlers<'getStorage' | 'collectStorage'> {
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
  };
}

async function storageJson({ hosted }: ServerParts): Promise<StorageJson> {
  const { runningSince, last, lastDryRun } = await hosted.collection.status();
  return {
    collection: {
      running_since: runningSince === undefined ? null : timeOf(runningSince),
      last: last ? collectionJson(last) : null,
      last_dry_run: lastDryRun ? collectionJson(lastDryRun) : null,
    },
  };
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
      // A job may have waited for long: the credential and the rules have to allow it still.
      if (!parts.gate.standing.holds(context.caller))
        throw new OciError(
          'POLICY_REFUSED',
          'the credential that began the job is no longer valid',
        );
      parts.gate.require(context, 'admin');
      const call = { dryRun, signal };
      const report = await runCollection(parts, call, { who, client, request_id });
      return { collection: collectionJson(report) };
    },
  });
}
