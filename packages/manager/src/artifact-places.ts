import type { RegistryHost, RepositoryName } from '@oci/spec-types';

import {
  type RepositoryTemplates,
  defaultTemplates,
  extensionRepository,
  kclRepository,
  parseExtensionType,
} from './artifact-name.js';
import type { ArtifactSource } from './artifact-source.js';
import type { ManagerCallOptions } from './call-options.js';
import { ensureTexts } from './argument-checks.js';
import type { NamespaceSources } from './listing/namespace-listing.js';
import { RegistrySet } from './registry-set.js';
import { RouteTable } from './routes/route-table.js';
import type { OciManagerOptions } from './oci-manager-options.js';

/** Where artifacts are: the repositories of names, and the registry of each repository. */
export class ArtifactPlaces {
  readonly routes: RouteTable;
  readonly registries: RegistrySet;
  readonly #namespace: string;
  readonly #templates: RepositoryTemplates;

  /** @throws OciError `REFERENCE_INVALID`, `USAGE` for routes that contradict each other */
  constructor(options: OciManagerOptions) {
    this.routes = new RouteTable(options);
    this.registries = new RegistrySet(options, (address) => this.routes.addressOf(address));
    this.#namespace = options.namespace;
    this.#templates = { ...defaultTemplates, ...options.templates };
  }

  /** @throws OciError `REFERENCE_INVALID` */
  kcl(name: string): RepositoryName {
    ensureTexts({ name });
    return kclRepository(this.#templates, name);
  }

  /** @throws OciError `REFERENCE_INVALID`, `USAGE` */
  extension(type: string, name: string): RepositoryName {
    ensureTexts({ type, name });
    const extension = { namespace: this.#namespace, type: parseExtensionType(type), name };
    return extensionRepository(this.#templates, extension);
  }

  /**
   * Returns the registry to read a repository from: the given one, or else the one that it belongs to.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` for one that is blocked, or a name without a route
   */
  source(repository: RepositoryName, options: ManagerCallOptions = {}): ArtifactSource {
    return this.registries.source(this.#addressOf(repository, options));
  }

  /** Returns the host of {@link source}, whether or not it may be asked. */
  host(repository: RepositoryName, options: ManagerCallOptions = {}): RegistryHost {
    return this.registries.hostOf(this.#addressOf(repository, options));
  }

  /**
   * Returns the registries to list a namespace from, and what of it belongs to each: of a given one, all that it has.
   *
   * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED`
   */
  below(
    namespace: RepositoryName,
    { registry }: ManagerCallOptions = {},
  ): Pick<NamespaceSources, 'registries' | 'owns'> {
    if (registry !== undefined)
      return { registries: [this.registries.source(registry)], owns: () => true };
    const registries = this.routes
      .below(namespace)
      .map(({ address }) => this.registries.source(address));
    return { registries, owns: (host, repository) => this.routes.isOf(host, repository) };
  }

  #addressOf(repository: RepositoryName, { registry }: ManagerCallOptions): string {
    return registry ?? this.routes.of(repository).address;
  }
}
