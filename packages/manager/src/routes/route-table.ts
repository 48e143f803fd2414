import { parseRegistryAddress } from '@oci/client/transport';
import { OciError, type RegistryHost, type RepositoryName } from '@oci/spec-types';

import {
  type RoutePattern,
  compareSpecificity,
  matchesBelow,
  matchesPattern,
  parseRoutePattern,
} from './route-pattern.js';

/** Which registries names belong to. */
export interface RouteOptions {
  /** The registry of names without a route: `host[:port]` or a URL. */
  readonly registryUrl: string;
  /**
   * Registries, `host[:port]` or URLs, by the pattern of their repositories: `kcl` is for all below it, `kcl/team-*`
   * for those that begin so. The most specific pattern decides, and no other registry is asked.
   */
  readonly routes?: Readonly<Record<string, string>> | undefined;
  /** Refuse names without a route. Default false. */
  readonly routesOnly?: boolean | undefined;
}

/** The registry that a name belongs to, and why. */
export interface Route {
  /** As it is written: `host[:port]` or a URL. */
  readonly address: string;
  readonly registry: RegistryHost;
  /** Undefined for the default registry. */
  readonly pattern: string | undefined;
}

/** Routes of one table. */
const maxRoutes = 1000;

/** The registry of each name: exactly one, whatever another registry has under that name. */
export class RouteTable {
  readonly #default: Route;
  readonly #isOnly: boolean;
  /** The most specific first. */
  readonly #routes: readonly (Route & { readonly parsed: RoutePattern })[];
  readonly #addresses: ReadonlyMap<RegistryHost, string>;

  /** @throws OciError `REFERENCE_INVALID` for what is no pattern or address, `USAGE` for two addresses of one host */
  constructor({ registryUrl, routes = {}, routesOnly = false }: RouteOptions) {
    const entries = Object.entries(routes);
    if (entries.length > maxRoutes) {
      throw new OciError('LIMIT_EXCEEDED', `${entries.length} routes, and ${maxRoutes} at most`, {
        hint: 'Give names of one registry a namespace or a prefix in common.',
      });
    }
    this.#default = routeTo(registryUrl, undefined);
    this.#isOnly = routesOnly;
    this.#routes = entries
      .map(([pattern, address]) => ({
        ...routeTo(address, pattern),
        parsed: parseRoutePattern(pattern),
      }))
      .sort((a, b) => compareSpecificity(a.parsed, b.parsed));
    this.#addresses = addressesOf([this.#default, ...this.#routes]);
  }

  /** Returns the registry of a repository. @throws OciError `POLICY_REFUSED` for one without a route where it needs one */
  of(repository: RepositoryName): Route {
    const route = this.#routes.find(({ parsed }) => matchesPattern(parsed, repository));
    if (route) return plain(route);
    if (this.#isOnly) throw unrouted(repository);
    return this.#default;
  }

  /** Whether a repository belongs to a registry. */
  isOf(registry: RegistryHost, repository: RepositoryName): boolean {
    const route = this.#routes.find(({ parsed }) => matchesPattern(parsed, repository));
    return route
      ? route.registry === registry
      : !this.#isOnly && this.#default.registry === registry;
  }

  /**
   * Returns the registries that repositories below a namespace may belong to, each once.
   *
   * @throws OciError `POLICY_REFUSED` as {@link of}
   */
  below(namespace: RepositoryName): readonly Route[] {
    const found: Route[] = [];
    let isCovered = false;
    for (const route of this.#routes) {
      if (!matchesBelow(route.parsed, namespace)) continue;
      found.push(plain(route));
      isCovered = matchesPattern(route.parsed, namespace);
      // It takes every name that no more specific one has taken.
      if (isCovered) break;
    }
    if (!isCovered && !this.#isOnly) found.push(this.#default);
    if (found.length === 0) throw unrouted(namespace);
    return [...new Map(found.reverse().map((route) => [route.registry, route])).values()].reverse();
  }

  /** Returns every route that is for a repository: the one that decides, and those that it goes before. */
  matching(repository: RepositoryName): readonly Route[] {
    return this.#routes.filter(({ parsed }) => matchesPattern(parsed, repository)).map(plain);
  }

  /** Returns how the table writes a registry that is given by its host: with the scheme that is meant. */
  addressOf(address: string): string {
    if (hasScheme(address)) return address;
    return this.#addresses.get(hostOf(address)) ?? address;
  }

  /** Every registry of the table, the default first. */
  get registries(): readonly RegistryHost[] {
    return [...this.#addresses.keys()];
  }

  /** Whether a registry is in the table, or is the default. */
  names(registry: RegistryHost): boolean {
    return this.#addresses.has(registry);
  }
}

function routeTo(address: string, pattern: string | undefined): Route {
  return { address, registry: hostOf(address), pattern };
}

function hostOf(address: string): RegistryHost {
  return parseRegistryAddress(address, { plainHttp: false }).host;
}

function plain({ address, registry, pattern }: Route): Route {
  return { address, registry, pattern };
}

/** By a URL rather than by its host, wherever one of both is written. */
function addressesOf(routes: readonly Route[]): ReadonlyMap<RegistryHost, string> {
  const addresses = new Map<RegistryHost, string>();
  for (const { registry, address } of routes) {
    const known = addresses.get(registry);
    if (known === undefined || !hasScheme(known)) addresses.set(registry, address);
    else if (hasScheme(address) && schemeOf(address) !== schemeOf(known)) {
      throw new OciError('USAGE', `${registry} has two addresses: ${known} and ${address}`, {
        hint: 'Write the same scheme wherever it is named.',
      });
    }
  }
  return addresses;
}

function hasScheme(address: string): boolean {
  return address.includes('://');
}

function schemeOf(address: string): string {
  return address.slice(0, address.indexOf(':'));
}

function unrouted(name: RepositoryName): OciError {
  return new OciError('POLICY_REFUSED', `no route is for ${name}, and names need one`, {
    hint: 'Add a route for it, or name the registry in front of it.',
    reason: { kind: 'route-missing', repository: name },
  });
}
