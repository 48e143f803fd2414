import type { Registry, RegistryOptions, RemoteRepository } from '@oci/client';
import { type AttemptObserver, parseRegistryAddress } from '@oci/client/transport';
import {
  type OciManagerOptions,
  RegistrySet,
  type Route,
  RouteTable,
  registryOptions,
} from '@oci/manager';
import {
  type Digest,
  OciError,
  type Reference,
  type RegistryHost,
  type RepositoryName,
  type Tag,
  tagOfVersion,
} from '@oci/spec-types';

import { type RegistryOf, readReference, readRepository, referenceText } from './named-artifact.js';

/** The name of an artifact of any registry. */
export interface ArtifactName {
  readonly reference: Reference;
  readonly text: string;
  /** The digest decides where there is one. */
  readonly tagOrDigest: Tag | Digest;
  /** Of its registry; undefined where the reference names that itself. */
  readonly route: Route | undefined;
}

/** An artifact of any registry, by its name. */
export interface NamedArtifact extends ArtifactName {
  readonly repository: RemoteRepository;
}

/** A reference, and the registry to name to a manager. */
export interface NamedVersion {
  readonly reference: Reference;
  /** Undefined for the registry that the name belongs to. */
  readonly registry: RegistryHost | undefined;
}

/** The registries that the references of a command name, each connected to once. */
export class Registries {
  readonly #options: OciManagerOptions;
  readonly #offline: boolean;
  readonly #given: string | undefined;
  #open: RegistrySet | undefined;
  #made: RouteTable | undefined;

  /** @param options how the configured registries are reached; others are reached with the same trust */
  constructor(
    options: OciManagerOptions,
    { offline = false, registry }: { readonly offline?: boolean; readonly registry?: string },
  ) {
    this.#options = options;
    this.#offline = offline;
    this.#given = registry;
  }

  /** The registries of names without a host. @throws OciError `REFERENCE_INVALID`, `USAGE` */
  get routes(): RouteTable {
    return (this.#made ??= new RouteTable(this.#options));
  }

  readonly registryOf: RegistryOf = (repository) => this.route(repository).registry;

  /** Refuses what {@link route} refuses. */
  ensureRoute(repository: RepositoryName): void {
    void this.route(repository);
  }

  /**
   * Returns the registry that a name without a host belongs to, and the route that says so.
   *
   * @throws OciError `POLICY_REFUSED` for a name without a route where it needs one, and for a name that belongs to
   * another registry than `--registry` says
   */
  route(repository: RepositoryName): Route {
    const route = this.routes.of(repository);
    const { pattern, registry } = route;
    if (this.#given === undefined || pattern === undefined || registry === this.host) return route;
    throw new OciError(
      'POLICY_REFUSED',
      `${repository} belongs to ${registry} by the route "${pattern}", and --registry says ${this.host}`,
      { hint: `Leave out --registry, or name the registry with it: ${this.host}/${repository}` },
    );
  }

  /** The default registry's, of names without a route. */
  get host(): RegistryHost {
    const { registryUrl, connection } = this.#options;
    return parseRegistryAddress(registryUrl, { plainHttp: connection?.plainHttp ?? false }).host;
  }

  /** Reads the name of an artifact, without asking anybody. @throws OciError `REFERENCE_INVALID` */
  name(text: string): ArtifactName {
    let route: Route | undefined;
    const reference = readReference(text, (name) => (route = this.route(name)).registry);
    const tagOrDigest = reference.digest ?? reference.tag;
    if (tagOrDigest === undefined) throw new OciError('INTERNAL', `${text} names nothing`);
    return { reference, text: referenceText(reference), tagOrDigest, route };
  }

  /** @throws OciError `REFERENCE_INVALID`, `OFFLINE` */
  artifact(text: string): NamedArtifact {
    const name = this.name(text);
    const { registry, repository } = name.reference;
    return { ...name, repository: this.connect(registry).repository(repository) };
  }

  /** A version as `REPOSITORY VERSION`, or as one reference. @throws OciError `REFERENCE_INVALID`, `USAGE` */
  version(text: string, version: string | undefined): NamedVersion {
    const reference =
      version === undefined
        ? readReference(text, this.registryOf)
        : { ...readRepository(text, this.registryOf), tag: tagOfVersion(version) };
    const { registry, repository } = reference;
    const isOwn = this.routes.isOf(registry, repository);
    return { reference, registry: isOwn ? undefined : registry };
  }

  /** @throws OciError `REFERENCE_INVALID`, `USAGE`, `OFFLINE` */
  repository(text: string): { readonly text: string; readonly repository: RemoteRepository } {
    const reference = readRepository(text, this.registryOf);
    const repository = this.connect(reference.registry).repository(reference.repository);
    return { text: referenceText(reference), repository };
  }

  /** @throws OciError `OFFLINE` */
  connect(host: RegistryHost): Registry {
    if (this.#offline) {
      throw new OciError('OFFLINE', `this needs to ask ${host}`, {
        hint: 'Run it without --offline.',
      });
    }
    this.#open ??= new RegistrySet(this.#options);
    return this.#open.open(this.routes.addressOf(host));
  }

  /** How a registry is reached. */
  optionsFor(host: RegistryHost): RegistryOptions {
    return registryOptions(this.#options, this.routes.addressOf(host));
  }

  async close(): Promise<void> {
    await this.#open?.close();
  }
}

/** Says each request on a line, as it ends. The client has taken out what is secret. */
export function requestLines(say: (line: string) => void): AttemptObserver {
  return ({ method, url }) => {
    const startedAt = performance.now();
    return (outcome) => {
      const ended = 'status' in outcome ? String(outcome.status) : outcome.code;
      say(`debug: ${method} ${url} ${ended} ${Math.round(performance.now() - startedAt)} ms`);
    };
  };
}
