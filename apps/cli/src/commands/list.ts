import { type Artifact, artifactJson } from '@oci/manager';
import prettyBytes from 'pretty-bytes';

import { withContext } from '../context.js';
import { table } from '../output.js';
import type { Invocation } from '../command/invocation.js';

export async function list(
  { namespace }: { readonly namespace?: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, settings, signal }) => {
    const listed = namespace ?? settings.values.namespace;
    const artifacts = await manager.listOciArtifacts(listed, { signal });
    output.print({
      json: { artifacts: artifacts.map(artifactJson) },
      text: artifacts.length === 0 ? `no artifacts in ${listed}` : rows(artifacts),
      brief: artifacts.map(({ name, version }) => `${name} ${version}`).join('\n'),
    });
  });
}

function rows(artifacts: readonly Artifact[]): string {
  return table(
    ['NAME', 'VERSION', 'SIZE', 'CREATED', 'DIGEST'],
    artifacts.map(({ name, version, size, createdAt, digest }) => [
      name,
      version,
      prettyBytes(size),
      createdAt?.slice(0, 10) ?? '-',
      digest.slice(0, 'sha256:'.length + 12),
    ]),
  );
}
