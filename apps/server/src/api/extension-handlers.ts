import { type InventoryEntry, listInstalled, rollbackExtension } from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';
import { asOciError, isOciError } from '@oci/spec-types';

import { Refusal, noInstallDir } from '../http/refusal.js';
import type { ServerParts } from '../server-parts.js';
import { installArtifact, repositoryOf } from './artifact-pull.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type { InstalledJson, RollbackJson, RollbackRequest } from './json/extension-json.js';

export function extensionHandlers(
  parts: ServerParts,
): Handlers<'installExtension' | 'rollbackExtension' | 'listExtensions'> {
  const { gate } = parts;
  return {
    installExtension(request, call) {
      gate.require(call.context, 'install', repositoryOf(parts, request));
      return installArtifact(parts, request, call);
    },
    rollbackExtension: (request, call) => rollBack(parts, request, call),
    async listExtensions(_, { context }) {
      gate.requireWithin(context, 'list');
      const installDir = parts.installDir() ?? noInstallDir();
      const isShown = ({ type, name }: InventoryEntry): boolean => {
        const request = { type: parseExtensionType(type), name, version: 'any' };
        return gate.access.permits(context.caller, 'list', repositoryOf(parts, request));
      };
      return (await listInstalled(installDir)).filter(isShown).map(installedJson);
    },
  };
}

/** @throws Refusal 404 when there is nothing to roll back to */
async function rollBack(
  parts: ServerParts,
  { type, name, to }: RollbackRequest,
  { context, signal }: ApiCall,
): Promise<RollbackJson> {
  const repository = repositoryOf(parts, { type, name, version: to ?? 'previous' });
  parts.gate.require(context, 'install', repository);
  const installDir = parts.installDir() ?? noInstallDir();
  const line = {
    event: 'rollback',
    who: context.who,
    client: context.client,
    request_id: context.id,
    repository,
  } as const;
  try {
    const done = await rollbackExtension({ type, name }, { installDir, to, signal });
    parts.audit?.record({ ...line, result: 'ok', reference: done.version });
    return done;
  } catch (error) {
    const detail = asOciError(error).code;
    parts.audit?.record({ ...line, result: 'failed', reference: to, detail });
    if (!isOciError(error, 'USAGE')) throw error;
    throw new Refusal(404, 'NOT_FOUND', error.message, { hint: error.hint });
  }
}

function installedJson({ type, name, current, previous, versions }: InventoryEntry): InstalledJson {
  return {
    type,
    name,
    current,
    previous,
    versions: versions.map(({ version, path, digest, manifestDigest, source, installedAt }) => ({
      version,
      path,
      digest,
      manifest_digest: manifestDigest,
      content_digest: digest,
      source,
      installed_at: installedAt,
    })),
  };
}
