import { OciError, isBookkeepingTag, versionOfTag } from '@oci/spec-types';

import type { SourceRepository } from '../artifact-source.js';
import { type ManagerCallOptions, clientCall } from '../call-options.js';
import type { FreshnessPolicy } from '../freshness.js';
import { compareVersions } from '../version-order.js';

/** Every version of a repository, oldest first. @throws OciError `OFFLINE`, `NAME_UNKNOWN` */
export async function listVersions(
  remote: SourceRepository,
  { offline }: FreshnessPolicy,
  options: ManagerCallOptions,
): Promise<readonly string[]> {
  if (offline) {
    throw new OciError('OFFLINE', `the versions of ${remote.name} are not known offline`, {
      hint: 'Name a version, or ask while the registry may be asked.',
      reason: { kind: 'not-cached', what: 'versions' },
    });
  }
  const versions: string[] = [];
  for await (const tag of remote.listTags(clientCall(options)))
    if (!isBookkeepingTag(tag)) versions.push(versionOfTag(tag));
  return versions.sort(compareVersions);
}
