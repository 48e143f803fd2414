import { once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import {
  type Descriptor,
  type Digest,
  type RepositoryName,
  maxManifestSize,
} from '@oci/spec-types';

import type { ArtifactBytes } from '../artifact/artifact-bytes.js';
import type { RegistryAuth } from './auth-options.js';
import { createAuthorization } from './authorization.js';
import { testCertificate } from './certificate.js';
import { type Site, serve } from './connection.js';
import { RegistryContent, type RepositoryContent } from './content.js';
import type { Behaviour } from './endpoint.js';
import type { Fault } from './fault.js';
import { FaultList } from './fault-list.js';
import { type RecordedRequest, Recorder, type RequestMatch } from './recorded-request.js';
import { type ManifestOptions, putArtifact, putBlob, putManifest } from './seed.js';
import type { TokenRequest } from './token-endpoint.js';

/** How a registry behaves when nothing goes wrong. */
export interface RegistryOptions {
  readonly auth?: RegistryAuth | undefined;
  /** Needs `openssl`. */
  readonly tls?: boolean | undefined;
  /** Otherwise 405; true when it is missing. */
  readonly deletes?: boolean | undefined;
  /** Otherwise every mount becomes an upload; true when it is missing. */
  readonly mounts?: boolean | undefined;
  /** Otherwise 404; true when it is missing. */
  readonly catalog?: boolean | undefined;
  /** False for a registry without the API, `unfiltered` for one that ignores `artifactType`. */
  readonly referrers?: boolean | 'unfiltered' | undefined;
  /** Whether manifests by HTTP have to be valid and complete; true when it is missing. */
  readonly checksManifests?: boolean | undefined;
  /** Whether an upload may be one POST; true when it is missing. */
  readonly singlePost?: boolean | undefined;
  /** Of uploads; relative when it is missing. */
  readonly locations?: 'relative' | 'absolute' | undefined;
  /** Entries per page at most; no limit when it is missing. */
  readonly pageSize?: number | undefined;
  /** What `OCI-Chunk-Min-Length` says; not sent when it is missing. */
  readonly minChunkBytes?: number | undefined;
  /** 4 MiB when it is missing. */
  readonly maxManifestBytes?: number | undefined;
}

/** A registry of this process, which keeps everything in memory. */
export interface TestRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** The certificate to trust, PEM; undefined without TLS. */
  readonly ca: string | undefined;
  /** In the order of arrival, those under way included. */
  readonly requests: readonly RecordedRequest[];
  readonly tokenRequests: readonly TokenRequest[];
  /** What is stored; tests may alter it. */
  readonly repositories: ReadonlyMap<string, RepositoryContent>;
  /** Uploads that are neither finished nor cancelled. */
  readonly openUploads: number;
  /** @returns a function that takes the fault back */
  fault(fault: Fault): () => void;
  /** Resolves when the next request that matches has arrived, before its body is read. */
  nextRequest(match: RequestMatch): Promise<RecordedRequest>;
  /** Forgets the requests so far. */
  clearRequests(): void;
  putBlob(name: string, bytes: Uint8Array, mediaType?: string): Descriptor;
  /** Stores a manifest as it is, unchecked: JSON of an object, or bytes. */
  putManifest(
    name: string,
    tag: string | undefined,
    manifest: object | Uint8Array,
    mediaType?: string,
  ): Descriptor;
  putArtifact(name: string, tag: string | undefined, artifact: ArtifactBytes): Descriptor;
  /** Replaces what is served for a digest, of a blob or a manifest. */
  corruptBlob(digest: Digest, change: (bytes: Uint8Array) => Uint8Array): void;
  /** Every token that was given out is refused from now on. */
  revokeTokens(): void;
  /** Breaks all connections. */
  readonly close: () => Promise<void>;
}

/** A registry on a free loopback port. */
export async function startRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const certificate = options.tls === true ? await testCertificate() : undefined;
  const listener: RequestListener = (incoming, response) => {
    void serve(site, incoming, response);
  };
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const site: Site = {
    origin: `${certificate ? 'https' : 'http'}://${host}`,
    content: new RegistryContent(),
    behaviour: behaviourOf(options),
    authorization: createAuthorization(options.auth),
    faults: new FaultList(),
    recorder: new Recorder(),
  };
  return handleOf(site, { server, host, ca: certificate?.cert });
}

function handleOf(
  site: Site,
  {
    server,
    host,
    ca,
  }: { readonly server: Server; readonly host: string; readonly ca: string | undefined },
): TestRegistry {
  const { content, recorder, faults, authorization } = site;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    url: site.origin,
    host,
    ca,
    requests: recorder.requests,
    tokenRequests: authorization.tokens?.requests ?? [],
    repositories: content.repositories,
    get openUploads() {
      return content.uploads.size;
    },
    fault: (fault) => faults.add(fault),
    nextRequest: (match) => recorder.next(match),
    clearRequests: () => {
      recorder.requests.length = 0;
    },
    putBlob: (name, bytes, mediaType) => putBlob(repositoryOf(content, name), bytes, mediaType),
    putManifest: (name, tag, manifest, mediaType) =>
      putManifest(repositoryOf(content, name), manifest, {
        tag,
        mediaType,
      } satisfies ManifestOptions),
    putArtifact: (name, tag, artifact) => putArtifact(repositoryOf(content, name), artifact, tag),
    corruptBlob: (digest, change) => content.corrupt(digest, change),
    revokeTokens: () => authorization.tokens?.revokeAll(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function repositoryOf(content: RegistryContent, name: string): RepositoryContent {
  return content.open(name as RepositoryName);
}

function behaviourOf(options: RegistryOptions): Behaviour {
  return {
    deletes: options.deletes ?? true,
    mounts: options.mounts ?? true,
    catalog: options.catalog ?? true,
    referrers: options.referrers ?? true,
    checksManifests: options.checksManifests ?? true,
    singlePost: options.singlePost ?? true,
    locations: options.locations ?? 'relative',
    pageSize: options.pageSize ?? Infinity,
    minChunkBytes: options.minChunkBytes ?? 0,
    maxManifestBytes: options.maxManifestBytes ?? maxManifestSize,
  };
}
