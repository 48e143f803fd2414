import type { IncomingHttpHeaders } from 'node:http';

import type { RegistryContent } from './content.js';
import type { Reply } from './reply.js';

/** How the registry behaves; every member has a value. */
export interface Behaviour {
  readonly deletes: boolean;
  readonly mounts: boolean;
  readonly catalog: boolean;
  readonly referrers: boolean | 'unfiltered';
  readonly checksManifests: boolean;
  readonly singlePost: boolean;
  readonly locations: 'relative' | 'absolute';
  readonly pageSize: number;
  readonly minChunkBytes: number;
  readonly maxManifestBytes: number;
}

/** A request with its whole body, or with what came of it before the connection broke. */
export interface RegistryRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
  readonly complete: boolean;
}

/** What a family of endpoints needs to answer a request. */
export interface EndpointContext {
  readonly content: RegistryContent;
  readonly behaviour: Behaviour;
  readonly request: RegistryRequest;
}

/** The methods of an endpoint. */
export type Methods = Readonly<Partial<Record<string, () => Reply>>>;
