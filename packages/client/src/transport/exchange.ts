import type { EventListener, OciError } from '@oci/spec-types';

import type { FilePlace } from './worker/file-place.js';

/** One request to a registry, or to where a registry sent us. */
export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes can be sent again; a stream can not, so its request is never repeated. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /**
   * Which queue of its host it waits in; default `metadata`. Bodies wait for each other, metadata never
   * waits behind them, uploads not behind the downloads that they are fed by, and a token for nobody.
   */
  readonly lane?: 'metadata' | 'download' | 'upload' | 'token' | undefined;
  /** Token scopes that the request needs, e.g. `repository:kcl/x:pull`. */
  readonly scopes: readonly string[];
  /** Connect to public addresses only: the URL came from a registry, not from the user. */
  readonly publicOnly?: boolean | undefined;
  /** An answer that leads to another origin is the answer: what is asked for is only here. */
  readonly staysHere?: boolean | undefined;
  /** A redirect led here from another origin: no client certificate is shown. */
  readonly strayed?: boolean | undefined;
  /** Ask the registry itself: what is written next depends on the answer. */
  readonly skipMirrors?: boolean | undefined;
  /** Milliseconds in which its answer's body has to bring 1 KiB; default that of the registry's timeouts. */
  readonly idleMs?: number | undefined;
  /** Of a `GET` of much: a worker may write its body there, and the answer then has a body that is `written`. */
  readonly into?: FilePlace | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: EventListener | undefined;
}

export interface RegistryResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: ResponseBody;
  /** Where the answer came from, behind all redirects. */
  readonly url: URL;
  /** How many times the request was sent. */
  readonly attempts: number;
  /** Whose credential the request carried, in words and without the secret. */
  readonly authorizedAs?: string | undefined;
  /** What to check when that credential is refused; undefined to log in again. */
  readonly credentialHint?: string | undefined;
  /** Why it carried none although one is configured. */
  readonly withoutCredential?: OciError | undefined;
  /** Tells a mirror's answer apart: what it gave was wrong, and it is not asked for that again. */
  readonly discredit?: (() => void) | undefined;
}

/** Bytes that have to be read to their end, dumped or destroyed: they hold a connection. */
export interface ResponseBody extends AsyncIterable<Uint8Array> {
  dump(): Promise<void>;
  destroy(): void;
  /** There when a worker writes the bytes where the request said: what is read then is their number. */
  readonly written?: WrittenBody | undefined;
}

/** Bytes of a body, or their number. */
export interface Sized {
  readonly byteLength: number;
}

/** A body that is written to its place from when it is first iterated on. */
export interface WrittenBody extends AsyncIterable<Sized> {
  /** Moves the end to a position of the file, or to behind what has come. @returns the end */
  cut(end: number): Promise<number>;
}

/** The same body, with its chunks passed through `wrap`. */
export function wrapBody(
  body: ResponseBody,
  wrap: <T extends Sized>(chunks: AsyncIterable<T>) => AsyncIterable<T>,
): ResponseBody {
  const { written } = body;
  return {
    [Symbol.asyncIterator]: () => wrap(body)[Symbol.asyncIterator](),
    dump: () => body.dump(),
    destroy: () => body.destroy(),
    ...(written && {
      written: {
        [Symbol.asyncIterator]: () => wrap(written)[Symbol.asyncIterator](),
        cut: (end) => written.cut(end),
      },
    }),
  };
}

/** Sends a request and gives its answer, whatever the status: the one shape of the transport. */
export type Exchange = (request: RegistryRequest) => Promise<RegistryResponse>;

/** The first value of a header. */
export function header(response: RegistryResponse, name: string): string | undefined {
  const value = response.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

export function canRepeat(request: Pick<RegistryRequest, 'body'>): boolean {
  return request.body === undefined || request.body instanceof Uint8Array;
}
