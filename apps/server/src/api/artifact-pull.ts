import { installExtension } from '@oci/extensions';
import {
  type OciManager,
  type PulledArtifact,
  defaultTemplates,
  extensionRepository,
  kclRepository,
  pullJson,
} from '@oci/manager';
import type { Operation } from '@oci/spec-types';

import { noInstallDir } from '../http/refusal.js';
import type { ServerParts } from '../server-parts.js';
import type { InstallJson } from './json/extension-json.js';
import type { JobRequest } from './json/job-json.js';
import type { ExtensionRequest, KclPullRequest, ServedPullJson } from './json/pull-json.js';
import { type PullCall, recorded } from './pull-record.js';

/** The repository of what a request names, by the templates of the configuration. */
export function repositoryOf(
  parts: ServerParts,
  request: KclPullRequest | ExtensionRequest | JobRequest,
): string {
  const { namespace, templates } = parts.naming();
  const all = { ...defaultTemplates, ...templates };
  return 'type' in request
    ? extensionRepository(all, { namespace, type: request.type, name: request.name })
    : kclRepository(all, request.name);
}

/** Pulls into the cache of the server; counted and written down however it ends. */
export async function pullArtifact(
  parts: ServerParts,
  request: KclPullRequest | ExtensionRequest,
  call: PullCall,
): Promise<ServedPullJson> {
  const options = { signal: call.signal };
  const kind = 'type' in request ? 'extension' : 'kcl';
  const begin = (manager: OciManager): Operation<PulledArtifact> =>
    'type' in request
      ? manager.pullExtensionArtifact(request.type, request.name, request.version, options)
      : manager.pullKclPackage(request.name, request.version, options);
  const { version } = request;
  const subject = {
    event: 'pull',
    kind,
    repository: repositoryOf(parts, request),
    version,
  } as const;
  return recorded(parts, { subject, call }, async (onEvent) => {
    const pulled = await parts.manager.use((manager) => {
      const operation = begin(manager);
      operation.on(onEvent);
      return operation;
    });
    const source = pulled.fromCache ? 'cache' : hostOf(pulled.reference);
    return { ...pullJson(pulled), source };
  });
}

/** Installs on the server. @throws Refusal 422 when it installs nothing */
export async function installArtifact(
  parts: ServerParts,
  request: ExtensionRequest,
  call: PullCall,
): Promise<InstallJson> {
  const installDir = parts.installDir() ?? noInstallDir();
  const subject = {
    event: 'install',
    kind: 'extension',
    repository: repositoryOf(parts, request),
    version: request.version,
  } as const;
  return recorded(parts, { subject, call }, async (onEvent) => {
    const { signal } = call;
    const installed = await parts.manager.use((manager) => {
      const operation = installExtension(manager, request, { installDir, signal });
      operation.on(onEvent);
      return operation;
    });
    const { path, type, name, version, digest, manifestDigest, changed } = installed;
    const digests = { digest, manifest_digest: manifestDigest, content_digest: digest };
    return { path, type, name, version, ...digests, changed };
  });
}

function hostOf(reference: string): string {
  return reference.split('/', 1)[0] ?? reference;
}
