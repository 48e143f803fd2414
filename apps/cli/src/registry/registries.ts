import {
  type AttemptObserver,
  type Registry,
  type RegistryOptions,
  type RemoteRepository,
  createRegistry,
  parseRegistryAddress,
} from '@oci/client';
import { type OciManagerOptions, registryOptions } from '@oci/manager';
import {
  type Digest,
  OciError,
  type Reference,
  type RegistryHost,
  type Tag,
  tagOfVersion,
} from '@oci/spec-types';

import { readReference, readRepository, referenceText } from './named-artifact.js';

/** An artifact of any registry, by its name. */
export interface NamedArtifact {
  readonly reference: Reference;
  readonly text: string;
  readonly repository: RemoteRepository;
  /** The digest decides where there is one. */
  readonly tagOrDigest: Tag | Digest;
}

/** A reference, and the registry to name to a manager. */
export interface NamedVersion {
  readonly reference: Reference;
  /** Undefined for the configured registry. */
  readonly registry: RegistryHost | undefined;
}

/** The registries that the references of a command name, each connected to once. */
export class Registries {
  readonly #options: OciManagerOptions;
  readonly #offline: boolean;
  readonly #open = new Map<RegistryHost, Registry>();

  /** @param options how the configured registry is reached; others are reached with the same trust */
  constructor(options: OciManagerOptions, { offline = false }: { readonly offline?: boolean }) {
    this.#options = options;
    this.#offline = offline;
  }

  /** The configured registry's. */
  get host(): RegistryHost {
    const { registryUrl, connection } = this.#options;
    return parseRegistryAddress(registryUrl, { plainHttp: connection?.plainHttp ?? false }).host;
  }

  /** @throws OciError `REFERENCE_INVALID`, `OFFLINE` */
  artifact(text: string): NamedArtifact {
    const reference = readReference(text, this.host);
    const tagOrDigest = reference.digest ?? reference.tag;
    if (tagOrDigest === undefined) throw new OciError('INTERNAL', `${text} names nothing`);
    const repository = this.connect(reference.registry).repository(reference.repository);
    return { reference, text: referenceText(reference), repository, tagOrDigest };
  }

  /** A version as `REPOSITORY VERSION`, or as one reference. @throws OciError `REFERENCE_INVALID`, `USAGE` */
  version(text: string, version: string | undefined): NamedVersion {
    const reference =
      version === undefined
        ? readReference(text, this.host)
        : { ...readRepository(text, this.host), tag: tagOfVersion(version) };
    const { registry } = reference;
    return { reference, registry: registry === this.host ? undefined : registry };
  }

  /** @throws OciError `REFERENCE_INVALID`, `USAGE`, `OFFLINE` */
  repository(text: string): { readonly text: string; readonly repository: RemoteRepository } {
    const reference = readRepository(text, this.host);
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
    const known = this.#open.get(host);
    if (known) return known;
    const registry = createRegistry(this.optionsFor(host));
    this.#open.set(host, registry);
    return registry;
  }

  /** How a registry is reached. */
  optionsFor(host: RegistryHost): RegistryOptions {
    const address = host === this.host ? this.#options.registryUrl : host;
    return registryOptions(this.#options, address);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((registry) => registry.close()));
    this.#open.clear();
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
