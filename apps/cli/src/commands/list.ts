import { type Artifact, artifactJson } from '@oci/manager';

import { withContext } from '../context.js';
import { table } from '../render/table.js';
import type { Invocation } from '../command/definition.js';
import type { Drawing } from '../render/page.js';
import { ageText, shortDigest, sizeText } from '../render/quantity.js';

export async function list(
  { namespace }: { readonly namespace?: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, settings, progress, signal }) => {
    const listed = namespace ?? settings.values.namespace;
    const artifacts = await manager.listOciArtifacts(listed, { signal, onEvent: progress });
    output.print({
      json: { artifacts: artifacts.map(artifactJson) },
      text: artifacts.length === 0 ? `no artifacts in ${listed}` : rows(artifacts),
      brief: artifacts.map(({ name, version }) => `${name} ${version}`),
    });
  });
}

function rows(artifacts: readonly Artifact[]): Drawing {
  return table(
    [
      { heading: 'NAME', shrinksTo: 12 },
      { heading: 'VERSION', shrinksTo: 8 },
      { heading: 'SIZE', align: 'right' },
      { heading: 'CREATED', leaves: 1 },
      { heading: 'MANIFEST', leaves: 2 },
    ],
    artifacts.map(({ name, version, size, createdAt, digest }) => [
      name,
      version,
      sizeText(size),
      createdAt === null ? '-' : ageText(new Date(createdAt)),
      shortDigest(digest),
    ]),
  );
}
