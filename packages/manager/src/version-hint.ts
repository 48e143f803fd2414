import { type CallOptions, isBookkeepingTag, versionOfTag } from '@oci/spec-types';
import { nearest } from '@oci/spec-types/text';

import type { ArtifactSource } from './artifact-source.js';
import { clientCall } from './call-options.js';
import type { ManifestName } from './manifest-name.js';
import { compareVersions } from './version-order.js';

/** Tags that are looked through for a hint; a repository may have a hundred thousand. */
const maxTags = 10_000;

/** Returns which versions there are instead, nearest first; undefined when the version is there. */
export async function versionHint(
  name: ManifestName,
  registry: ArtifactSource,
  options: CallOptions,
): Promise<string | undefined> {
  const versions: string[] = [];
  for await (const tag of registry.repository(name.repository).listTags(clientCall(options))) {
    if (!isBookkeepingTag(tag)) versions.push(versionOfTag(tag));
    if (versions.length >= maxTags) break;
  }
  if (versions.length === 0) return `${name.repository} has no versions.`;
  const wanted = versionOfTag(name.tag);
  // Then something that the version points to is missing.
  if (versions.includes(wanted)) return undefined;
  const near = nearest(wanted, versions);
  if (near.length > 0) return `The nearest versions are ${near.join(', ')}.`;
  const latest = versions.sort(compareVersions).slice(-3).reverse();
  return `The newest versions are ${latest.join(', ')}.`;
}
