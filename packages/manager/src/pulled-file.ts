import { OciError } from '@oci/spec-types';
import { isMissing } from '@oci/files';

/**
 * Pulls, and reads the file that the pull gave. A file that another process pruned in between is pulled once more.
 *
 * @param read is called again with what was pulled again, so it starts anew
 * @throws OciError `STORAGE_FAILED` when that is gone, too, and as `pull` and `read` do
 */
export async function readPulled<P extends { readonly path: string }, T>(
  pull: () => PromiseLike<P>,
  read: (pulled: P) => Promise<T>,
): Promise<T> {
  const pulled = await pull();
  try {
    return await read(pulled);
  } catch (error) {
    if (!isGone(pulled, error)) throw error;
  }
  const again = await pull();
  try {
    return await read(again);
  } catch (cause) {
    if (!isGone(again, cause)) throw cause;
    throw new OciError('STORAGE_FAILED', `${again.path} was removed before it was read`, {
      cause,
      path: again.path,
      hint: 'Another process prunes the cache; try again, or let that one prune with a longer grace.',
    });
  }
}

/** Whether a failure, or what it comes from, is that this file is missing. */
function isGone({ path }: { readonly path: string }, error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if (isMissing(at) && (at as NodeJS.ErrnoException).path === path) return true;
  return false;
}
