/** The endpoint of a connection. Connections with one `key` are interchangeable. */
export interface WorkerTarget {
  readonly key: string;
  readonly host: string;
  readonly port: number;
  /** The only addresses that may be connected to. */
  readonly addresses: readonly { readonly address: string; readonly family: number }[];
  /** Undefined for plain HTTP. */
  readonly tls?: WorkerTls | undefined;
}

export interface WorkerTls {
  /** Undefined for an IP address. */
  readonly servername?: string | undefined;
  readonly rejectUnauthorized: boolean;
  /** Trusted besides the system's authorities, PEM. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly passphrase?: string | undefined;
}

export interface WorkerRequest {
  readonly target: WorkerTarget;
  /** The head of the request. */
  readonly text: string;
  readonly connectMs: number;
  readonly headersMs: number;
}

/** The part of a file that a body is written to. The descriptors belong to the main thread. */
export interface WorkerPlace {
  readonly file: number;
  /** Takes a line for each span that was written. */
  readonly journal: number;
  /** The hash of the file, if this worker has it. */
  readonly hash: number | undefined;
  readonly position: number;
  readonly end: number;
}

/** An error without its class. */
export interface WorkerError {
  readonly message: string;
  readonly code?: string | undefined;
  readonly errno?: number | undefined;
  readonly syscall?: string | undefined;
  /** The file system failed, not the connection. */
  readonly isStorage: boolean;
}

/** Messages to a worker; `id` names a request or a hash. */
export type ToWorker = { readonly id: number } & (
  | { readonly type: 'request'; readonly request: WorkerRequest }
  | { readonly type: 'receive'; readonly place: WorkerPlace }
  | { readonly type: 'cut'; readonly end: number }
  | { readonly type: 'abort' }
  | { readonly type: 'hash'; readonly file: number; readonly algorithm: string }
  | { readonly type: 'follow'; readonly prefix: number }
  | { readonly type: 'digest'; readonly size: number }
  | { readonly type: 'forget' }
);

/** Messages from a worker. */
export type FromWorker = { readonly id: number } & (
  | {
      readonly type: 'head';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | readonly string[]>>;
      /** The whole body, of an answer that is not for a file. */
      readonly body: Uint8Array | undefined;
    }
  /** The answer has a form that is left to the HTTP client of the main thread. */
  | { readonly type: 'unusable' }
  | { readonly type: 'progress'; readonly position: number }
  | { readonly type: 'cut'; readonly end: number }
  /** The last message of a request: nothing is written any more. */
  | { readonly type: 'end'; readonly position: number; readonly error?: WorkerError | undefined }
  /** The last message of a hash; without a digest it was forgotten, or the file could not be read. */
  | { readonly type: 'digest'; readonly digest: string | undefined }
);

/** A message about one request, without its name. */
export type AnswerMessage = WithoutId<Exclude<FromWorker, { type: 'digest' }>>;

type WithoutId<M> = M extends FromWorker ? Omit<M, 'id'> : never;

export function workerError(thrown: unknown, isStorage: boolean): WorkerError {
  if (!(thrown instanceof Error)) return { message: String(thrown), isStorage };
  const { code, errno, syscall } = thrown as NodeJS.ErrnoException;
  const cause = thrown instanceof AggregateError ? thrown.errors[0] : undefined;
  const first = (cause as NodeJS.ErrnoException | undefined)?.code;
  return { message: thrown.message, code: code ?? first, errno, syscall, isStorage };
}
