import type { Route } from '@oci/manager';
import { type Settings, describeSource } from '@oci/manager/config';
import { parseRepositoryName } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { fields } from '../render/fields.js';

/** Says which registry a name belongs to, and why; asks nobody. */
export async function explainRoute(
  { name }: { readonly name: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ output, registries, settings }) => {
    const repository = parseRepositoryName(name);
    const [decisive, ...passedOver] = registries.routes.matching(repository);
    // With routes_only one without a route has no registry; it is refused unless there are routes below it.
    const below = registries.routes.below(repository);
    const isRefused = decisive === undefined && settings.values.routes_only;
    const route = isRefused ? undefined : registries.route(repository);
    const source = sourceOf(route, settings);
    output.print({
      json: {
        repository,
        ...routeJson(route),
        source,
        passed_over: passedOver.map(routeJson),
        below: below.map(routeJson),
      },
      text: fields([
        ['repository', repository],
        ['registry', route?.address ?? 'none'],
        ['because', `${reasonOf(route)} (${source})`],
        ...passedOver.map((other) => ['passed over', text(other)] as const),
        ...below.map((other) => ['names below', text(other)] as const),
      ]),
      brief: route?.registry ?? [],
    });
  });
}

function routeJson(route: Route | undefined): object {
  const { address = null, registry = null, pattern = null } = route ?? {};
  return { registry, address, route: pattern };
}

function reasonOf(route: Route | undefined): string {
  if (!route) return 'no route is for it, and routes_only refuses it: only names below have one';
  const { pattern } = route;
  return pattern === undefined ? 'no route is for it: registry_url' : `the route "${pattern}"`;
}

function text({ address, pattern }: Route): string {
  return `${address}, ${pattern === undefined ? 'registry_url' : `"${pattern}"`}`;
}

function sourceOf(route: Route | undefined, { sources }: Settings): string {
  const usual = route ? 'registry_url' : 'routes_only';
  const source = sources.get(route?.pattern === undefined ? usual : 'routes');
  return source ? describeSource(source) : 'default';
}
