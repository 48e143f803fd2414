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
    const route = registries.route(repository);
    const [, ...passedOver] = registries.routes.matching(repository);
    const below = registries.routes.below(repository);
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
        ['registry', route.address],
        ['because', `${reasonOf(route)} (${source})`],
        ...passedOver.map((other) => ['passed over', text(other)] as const),
        ...below.map((other) => ['names below', text(other)] as const),
      ]),
      brief: route.registry,
    });
  });
}

function routeJson({ address, registry, pattern }: Route): object {
  return { registry, address, route: pattern ?? null };
}

function reasonOf({ pattern }: Route): string {
  return pattern === undefined ? 'no route is for it: registry_url' : `the route "${pattern}"`;
}

function text({ address, pattern }: Route): string {
  return `${address}, ${pattern === undefined ? 'registry_url' : `"${pattern}"`}`;
}

function sourceOf({ pattern }: Route, { sources }: Settings): string {
  const source = sources.get(pattern === undefined ? 'registry_url' : 'routes');
  return source ? describeSource(source) : 'default';
}
