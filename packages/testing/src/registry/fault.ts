/**
 * What goes wrong with an answer, as data. All members that are given apply together; without any of
 * them the rule only takes its turn.
 */
export interface Fault {
  /** Which requests: all methods when it is missing. */
  readonly method?: string | undefined;
  /** A part of the path, or an expression that is tried on path and query. */
  readonly path: string | RegExp;
  /** How many requests it applies to, in order; all when it is missing. */
  readonly times?: number | undefined;
  /** How many matching requests pass before the first. */
  readonly skip?: number | undefined;

  /** Holds the answer back until the promise is settled. */
  readonly delayUntil?: Promise<unknown> | undefined;
  /** Sends some bytes of the body, and the rest when the promise is settled. */
  readonly pause?: { readonly afterBytes: number; readonly until: Promise<unknown> } | undefined;

  /** Answers this in place of handling the request. */
  readonly status?: number | undefined;
  /** The body that goes with `status` or `redirect`; objects are sent as JSON. */
  readonly body?: string | Uint8Array | object | undefined;
  /** Headers of the answer, added or replaced. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Headers that are left out; without `content-length` the body is sent chunked. */
  readonly omitHeaders?: readonly string[] | undefined;
  /** Answers 307, or `status`, with this `Location`; a function is given path and query. */
  readonly redirect?: string | ((pathAndQuery: string) => string) | undefined;
  /** Handles the request all the same before `status` or `redirect` is answered: a lost answer. */
  readonly handled?: boolean | undefined;
  /** Answers without reading the body of the request. */
  readonly early?: boolean | undefined;

  /** Breaks the connection when the request has come and nothing was answered. */
  readonly destroyBeforeHeaders?: boolean | undefined;
  /** Breaks the connection when this many bytes of the answer's body were sent. */
  readonly destroyAfterBytes?: number | undefined;
  /** Breaks the connection when this many bytes of the request's body have come; they are handled. */
  readonly destroyAfterRequestBytes?: number | undefined;
  /** Breaks by a TCP reset in place of closing; bytes on their way may be lost. */
  readonly reset?: boolean | undefined;

  /** Alters the body; `Content-Length` is that of the altered one. */
  readonly bodyTransform?: ((body: Uint8Array) => Uint8Array) | undefined;
  /** Sends this many bytes under the `Content-Length` of all of them, then ends the connection. */
  readonly truncate?: number | undefined;
  /** Says this `Content-Length`, sends the whole body, then ends the connection. */
  readonly contentLength?: number | undefined;
  /** Compresses the body and says so (`Content-Encoding: gzip`). */
  readonly gzip?: boolean | undefined;
  /** Sends the body, then more of these bytes for as long as they are read. */
  readonly endless?: Uint8Array | true | undefined;

  /** Answers 200 with the whole body to a range request. */
  readonly ignoreRange?: boolean | undefined;
  /** Says this `Content-Range` in place of the right one. */
  readonly contentRange?: string | undefined;
}
