import type { OciManager, PulledArtifact } from '@oci/manager';
import {
  type EventListener,
  Operation,
  asOciError,
  isAbort,
  parseReference,
} from '@oci/spec-types';

import type { ExtensionGraphSource } from '../depend/extension-graph.js';

/**
 * Pulls through a manager and asks the registry, once for each version that comes out of the cache, whether its
 * tag has another content by now: a version that was published again is downloaded again. Without an answer the
 * cached version counts.
 *
 * @param warn hears of both: a graph is pulled before it has a listener
 */
export function askingSource(manager: OciManager, warn: EventListener): ExtensionGraphSource {
  const asked = new Set<string>();
  return {
    extensionPlace: (type, name, options) => manager.extensionPlace(type, name, options),
    getManifest: (repository, version, options) =>
      manager.getManifest(repository, version, options),
    listExtensionVersions: (type, name, options) =>
      manager.listExtensionVersions(type, name, options),
    pullExtensionArtifact: (type, name, version, options) =>
      new Operation(async (emit) => {
        const pull = (): Operation<PulledArtifact> => {
          const operation = manager.pullExtensionArtifact(type, name, version, options);
          operation.on(emit);
          return operation;
        };
        const pulled = await pull();
        const { reference, fromCache } = pulled;
        const isNew = !asked.has(reference);
        asked.add(reference);
        if (!fromCache || !isNew) return pulled;
        const signal = options?.signal;
        if (!(await hasMoved(pulled, manager, { signal, warn }))) return pulled;
        warn({
          type: 'warning',
          message: `${reference} was published again: downloading it again`,
        });
        const { registry, repository } = parseReference(reference);
        await manager.forget(repository, version, { registry });
        return pull();
      }),
  };
}

async function hasMoved(
  { reference, manifestDigest }: PulledArtifact,
  manager: OciManager,
  { signal, warn }: { readonly signal: AbortSignal | undefined; readonly warn: EventListener },
): Promise<boolean> {
  try {
    return (await publishedDigest(manager, reference, { signal })) !== manifestDigest;
  } catch (error) {
    if (isAbort(error)) throw error;
    const why = asOciError(error).message;
    warn({ type: 'warning', message: `${reference} is taken from the cache: ${why}` });
    return false;
  }
}

/** Asks the registry by one HEAD what a reference points to. @throws OciError `MANIFEST_UNKNOWN`, `NAME_UNKNOWN` */
export async function publishedDigest(
  manager: OciManager,
  reference: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const { registry, repository, tag, digest } = parseReference(reference);
  const wanted = tag ?? digest;
  if (wanted === undefined) return '';
  const remote = manager.repository(repository, { registry });
  return (await remote.withoutMirrors().resolve(wanted, options)).digest;
}
