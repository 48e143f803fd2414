import { exitCodes } from '@oci/manager/program';
import { isOciError } from '@oci/spec-types';

import { withContext } from '../context.js';
import { Exit, type Invocation } from '../command/definition.js';

interface ExistsInput {
  /** Without a version a reference. */
  readonly repository: string;
  readonly version?: string;
}

export async function exists(input: ExistsInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const { reference, registry } = registries.version(input.repository, input.version);
    const { repository: name, tag, digest } = reference;
    const tagOrDigest = digest ?? tag;
    const remote = registries.connect(reference.registry).repository(name);
    const found =
      tagOrDigest !== undefined &&
      (await remote.resolve(tagOrDigest, { signal, onEvent: progress }).then(
        () => true,
        (error: unknown) => {
          if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return false;
          throw error;
        },
      ));
    const repository = registry === undefined ? name : `${registry}/${name}`;
    const version = input.version ?? tagOrDigest ?? '';
    output.print({
      json: { repository, version, exists: found },
      text: `${repository} ${version} ${found ? 'exists' : 'does not exist'}`,
    });
    if (!found) throw new Exit(exitCodes.notFound);
  });
}
