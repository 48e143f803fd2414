import { type Call, type CallName, type CallTypes, calls } from '../api/calls.js';
import type { ErrorJson } from '../api/json/envelope.js';
import type { JobJson } from '../api/json/job-json.js';

export interface OciServerClientOptions {
  /** `https://host:port` of the server. */
  readonly url: string;
  /** A token of the server, or a JWT. */
  readonly token?: string | undefined;
  /** Default: the `fetch` of the platform. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** What the server refused, in its words. */
export class OciServerError extends Error {
  override readonly name: string = 'OciServerError';
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  /** Find it in the log of the server. */
  readonly requestId: string | null;

  constructor(status: number, error: ErrorJson, requestId: string | null) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.hint = error.hint;
    this.requestId = requestId;
  }
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

type Send<Input, Data> = undefined extends Input
  ? (input?: undefined, options?: CallOptions) => Promise<Data>
  : (input: Input, options?: CallOptions) => Promise<Data>;

/** Every call of the API by its name, with the types that the server validates. */
export type OciServerClient = {
  readonly [K in CallName]: Send<CallTypes[K][0], CallTypes[K][1]>;
} & {
  /** What happens in a job, until it ends; the last event is the job itself. */
  jobEvents(id: string, options?: CallOptions): AsyncIterable<JobEvent>;
};

/** `progress` holds a transfer event, the others the job. */
export type JobEvent =
  | { readonly event: 'job' | 'end'; readonly data: JobJson }
  | { readonly event: 'progress'; readonly data: Readonly<Record<string, unknown>> };

/** Calls an `oci-server`. Failures are {@link OciServerError}s. */
export function createOciServerClient(options: OciServerClientOptions): OciServerClient {
  const sends = Object.entries(calls).map(([name, call]) => [
    name,
    (input: unknown, given?: CallOptions) => send(options, call, { input, ...given }),
  ]);
  return {
    ...(Object.fromEntries(sends) as OciServerClient),
    jobEvents: (id, call) => jobEvents(options, id, call),
  };
}

async function send(
  options: OciServerClientOptions,
  { method, path, from }: Call,
  { input, signal }: CallOptions & { readonly input: unknown },
): Promise<unknown> {
  const url = new URL(options.url);
  const fields = Object.entries((input ?? {}) as Readonly<Record<string, string | number>>);
  url.pathname = path.replace(/\{(\w+)\}/, (_, name: string) =>
    encodeURIComponent(String(fields.find(([key]) => key === name)?.[1])),
  );
  if (from === 'query')
    for (const [key, value] of fields)
      if (value !== undefined) url.searchParams.set(key, String(value));
  const body = from === 'body' ? JSON.stringify(input) : undefined;
  const answer = await request(options, url, { method, body, signal });
  return ((await answer.json()) as { data: unknown }).data;
}

async function request(
  { token, fetch = globalThis.fetch }: OciServerClientOptions,
  url: URL,
  { method, body, signal }: { method: string; body?: string | undefined } & CallOptions,
): Promise<Response> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  });
  if (answer.ok) return answer;
  const text = await answer.text();
  throw new OciServerError(answer.status, errorOf(text), answer.headers.get('x-request-id'));
}

/** A proxy between may answer with a page. */
function errorOf(text: string): ErrorJson {
  try {
    const { error } = JSON.parse(text) as { error?: ErrorJson };
    if (typeof error?.code === 'string') return error;
  } catch {
    // It is no JSON.
  }
  return { code: 'PROTOCOL', message: 'the answer is not of an oci-server', hint: null };
}

async function* jobEvents(
  options: OciServerClientOptions,
  id: string,
  call: CallOptions = {},
): AsyncGenerator<JobEvent, void, undefined> {
  const url = new URL(options.url);
  url.pathname = `/api/v1/oci/jobs/${encodeURIComponent(id)}/events`;
  const { body } = await request(options, url, { method: 'GET', ...call });
  if (!body) return;
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(event) ?? [];
      if (data !== undefined) yield { event: name, data: JSON.parse(data) } as JobEvent;
    }
  }
}
