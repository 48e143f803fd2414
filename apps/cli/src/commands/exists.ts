import { withContext } from '../context.js';
import { Exit, exitCodes } from '../exit-code.js';
import type { Invocation } from '../command/invocation.js';

export async function exists(
  { repository, version }: { readonly repository: string; readonly version: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, signal }) => {
    const found = await manager.artifactExists(repository, version, { signal, onEvent: progress });
    output.print({
      json: { repository, version, exists: found },
      text: `${repository} ${version} ${found ? 'exists' : 'does not exist'}`,
    });
    if (!found) throw new Exit(exitCodes.notFound);
  });
}
