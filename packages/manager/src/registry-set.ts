import {
  type CredentialSource,
  type Registry,
  type RegistryOptions,
  createRegistry,
  dockerConfigCredentials,
} from '@oci/client';
import { dockerConfigHeaders } from '@oci/client/credentials';
import { type HeaderSource, mergeHeaders, parseRegistryAddress } from '@oci/client/transport';
import { OciError, type RegistryHost } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type { ArtifactSource } from './artifact-source.js';

/** How one registry is reached; it comes before what is said for all. */
export interface RegistrySettings extends Pick<
  RegistryOptions,
  'plainHttp' | 'insecure' | 'ca' | 'clientCertificate' | 'headers' | 'trustedRealms' | 'mirrors'
> {
  /** Nothing is pulled from it. */
  readonly blocked?: boolean | undefined;
}

/** How registries are reached. */
export interface ReachOptions {
  /** Default: docker's and podman's configuration files. */
  readonly credentials?: CredentialSource | undefined;
  /** For all registries: TLS, retries, timeouts, limits. */
  readonly connection?: Omit<RegistryOptions, 'url' | 'credentials'> | undefined;
  /** What differs for single registries, by `host[:port]`: mirrors, certificates, HTTP. */
  readonly registries?:
    | Readonly<Record<string, RegistrySettings>>
    | ((host: RegistryHost) => RegistrySettings | undefined)
    | undefined;
  /** Opens a registry that is read without HTTP; `undefined` for one that is reached over HTTP. */
  readonly openSource?: ((host: RegistryHost) => ArtifactSource | undefined) | undefined;
}

/**
 * How one registry is reached: what is said of it, before what is said for all.
 *
 * @param address `host[:port]` or a URL, whose scheme comes before all settings
 * @throws OciError `REFERENCE_INVALID`, `POLICY_REFUSED` for one that is blocked
 */
export function registryOptions(options: ReachOptions, address: string): RegistryOptions {
  const { host } = parseRegistryAddress(address, { plainHttp: false });
  const { blocked, ...own } = settingsOf(options.registries, host);
  ensureAllowed(host, blocked);
  const credentials = options.credentials ?? dockerConfigCredentials();
  const headers = mergeHeaders(headersOfAll(options), own.headers);
  return { ...options.connection, ...defined(own), url: address, credentials, headers };
}

/** Registries that stay open; their names may come from callers and from content. */
const mostOpen = 100;
const mostPublicOnly = 1000;

/** The registries that a program uses: each with its own settings, opened once, closed together. */
export class RegistrySet {
  readonly #options: ReachOptions;
  readonly #addressOf: (address: string) => string;
  /** One that is evicted goes on for those who use it, until its idle connections end by themselves. */
  readonly #open = new LRUCache<string, Registry>({ max: mostOpen });
  readonly #publicOnly = new Set<RegistryHost>();

  /** @param addressOf how the configuration writes a registry: with a scheme where its host alone is asked for */
  constructor(
    options: ReachOptions,
    addressOf: (address: string) => string = (address) => address,
  ) {
    this.#addressOf = addressOf;
    // One source for all, so that a helper's answer is remembered for all.
    const credentials = options.credentials ?? dockerConfigCredentials();
    const connection = { ...options.connection, headers: headersOfAll(options) };
    this.#options = { ...options, connection, credentials };
  }

  /**
   * A bare host that was opened by its URL before is reached in the same way.
   *
   * @throws OciError as {@link registryOptions}
   */
  open(address: string): Registry {
    const [known] = [...this.#open.entries()].find(([, { host }]) => host === address) ?? [];
    const opened = known === undefined ? undefined : this.#open.get(known);
    if (opened) return opened;
    const options = registryOptions(this.#options, this.#addressOf(address));
    const { plainHttp = false } = options;
    const { scheme, host } = parseRegistryAddress(options.url, { plainHttp });
    const key = `${scheme}://${host}`;
    const publicOnly = this.#publicOnly.has(host) || options.publicOnly;
    const registry = this.#open.get(key) ?? createRegistry({ ...options, publicOnly });
    this.#open.set(key, registry);
    return registry;
  }

  isKeptPublic(host: RegistryHost): boolean {
    return this.#publicOnly.has(host);
  }

  /**
   * Reaches a registry at public addresses only from now on.
   *
   * @throws OciError `LIMIT_EXCEEDED` for the 1001st: none may be forgotten
   */
  keepPublic(host: RegistryHost): void {
    if (this.#publicOnly.has(host)) return;
    if (this.#publicOnly.size >= mostPublicOnly)
      throw new OciError('LIMIT_EXCEEDED', `packages name more than ${mostPublicOnly} registries`);
    this.#publicOnly.add(host);
    // Those that were opened before have not been told.
    for (const [key, registry] of this.#open.entries())
      if (registry.host === host) this.#open.delete(key);
  }

  /** Whether the configuration says something of a registry. */
  names(host: RegistryHost): boolean {
    return Object.keys(settingsOf(this.#options.registries, host)).length > 0;
  }

  /** As {@link open}, for reading: in process where `openSource` says so. @throws OciError as `open` */
  source(address: string): ArtifactSource {
    const host = this.hostOf(address);
    const source = this.#options.openSource?.(host);
    if (!source) return this.open(address);
    ensureAllowed(host, settingsOf(this.#options.registries, host).blocked);
    return source;
  }

  /** Returns the host of an address. @throws OciError `REFERENCE_INVALID` */
  hostOf(address: string): RegistryHost {
    return parseRegistryAddress(address, { plainHttp: false }).host;
  }

  /** Ends all connections; what is opened afterwards begins anew. */
  async close(): Promise<void> {
    const registries = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(registries.map((registry) => registry.close()));
  }
}

/** Who takes docker's credentials takes the headers that stand beside them. */
function headersOfAll({ connection, credentials }: ReachOptions): HeaderSource | undefined {
  return connection?.headers ?? (credentials ? undefined : dockerConfigHeaders());
}

function ensureAllowed(host: RegistryHost, blocked: boolean | undefined): void {
  if (!blocked) return;
  throw new OciError('POLICY_REFUSED', `the registry ${host} is blocked by the configuration`, {
    hint: 'Its settings say `blocked`.',
    reason: { kind: 'registry-blocked', registry: host },
  });
}

function settingsOf(registries: ReachOptions['registries'], host: RegistryHost): RegistrySettings {
  if (typeof registries === 'function') return registries(host) ?? {};
  return registries && Object.hasOwn(registries, host) ? (registries[host] ?? {}) : {};
}

/** What is not said must not hide what is said for all. */
function defined<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Partial<T>;
}
