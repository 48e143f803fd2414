import { isAbort, isOciError } from '@oci/spec-types';

import type { Context } from '../context.js';
import { referenceText } from './named-artifact.js';
import type { NamedArtifact } from './registries.js';

/** The digest is that of the manifest that the tag points to now, if any. */
type TagName = Pick<NamedArtifact['reference'], 'registry' | 'repository' | 'tag' | 'digest'>;

/**
 * Drops what this machine's cache knows of a tag that was replaced or deleted at the registry. A cache that cannot be
 * written is warned of: at the registry it is done.
 */
export async function forgetTag(
  { digest, ...name }: TagName,
  { manager, progress }: Context,
): Promise<void> {
  const { registry, repository, tag } = name;
  if (tag === undefined) return;
  try {
    await manager.forget(repository, tag, { registry, unless: digest });
  } catch (error) {
    if (!isOciError(error) || isAbort(error)) throw error;
    const message = `the cache may still hold the old ${referenceText(name)}: ${error.message}`;
    progress({ type: 'warning', message });
  }
}

/**
 * Forgets a tag that a push replaced, and tells what other machines have to do.
 *
 * @param command the pull that brings the new content; without one it is any that has `--refresh`
 */
export async function afterReplacing(
  name: Omit<TagName, 'digest'>,
  context: Context,
  command?: string,
): Promise<void> {
  await forgetTag(name, context);
  const until =
    command === undefined ? 'asks the registry again, with --refresh' : `runs: ${command}`;
  const message = `${referenceText(name)} was replaced: a machine that has it cached keeps the old content until it ${until}`;
  context.progress({ type: 'warning', message });
}
