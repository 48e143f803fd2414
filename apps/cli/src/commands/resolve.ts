import type { Route } from '@oci/manager';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import { sizeText } from '../render/quantity.js';

export async function resolve(
  { reference }: { readonly reference: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ registries, output, progress, signal }) => {
    const named = registries.artifact(reference);
    const { text, repository, tagOrDigest, route } = named;
    const { registry } = named.reference;
    const found = await repository.resolve(tagOrDigest, { signal, onEvent: progress });
    const { digest, size, mediaType } = found;
    output.print({
      json: {
        reference: text,
        registry,
        route: route?.pattern ?? null,
        digest,
        manifest_digest: digest,
        size,
        media_type: mediaType,
      },
      text: fields([
        ['reference', text],
        ['registry', `${registry}, ${reasonFor(route)}`],
        ['manifest', digest],
        ['size', `${sizeText(size)}, ${mediaType}`],
      ]),
      brief: digest,
    });
  });
}

/** Returns why an artifact is of its registry; without a route the reference names that itself. */
function reasonFor(route: Route | undefined): string {
  if (!route) return 'as the reference says';
  return route.pattern === undefined ? 'the default' : `by the route "${route.pattern}"`;
}
