import type { IncomingHttpHeaders } from 'node:http';

import { matches } from './fault-list.js';

/** A request as it came, with what became of it. */
export interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** What came of the body. */
  readonly body: Uint8Array;
  /** Undefined while nothing is answered, and when nothing ever was. */
  readonly status: number | undefined;
  /** Bytes of body in the answer. */
  readonly bytesSent: number;
}

/** Which requests a test waits for: as in a fault. */
export interface RequestMatch {
  readonly method?: string | undefined;
  readonly path: string | RegExp;
}

/** The entry of a request while it is under way. */
export type RequestEntry = { -readonly [Key in keyof RecordedRequest]: RecordedRequest[Key] };

interface Waiter {
  readonly match: RequestMatch;
  readonly arrived: (request: RecordedRequest) => void;
}

/** Every request in the order of arrival. */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  readonly #waiters = new Set<Waiter>();

  begin(method: string, url: URL, headers: IncomingHttpHeaders): RequestEntry {
    const entry: RequestEntry = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: new Uint8Array(),
      status: undefined,
      bytesSent: 0,
    };
    this.requests.push(entry);
    for (const waiter of this.#waiters) {
      if (!matches(waiter.match, method, url)) continue;
      this.#waiters.delete(waiter);
      waiter.arrived(entry);
    }
    return entry;
  }

  /** The next request that matches, from now on. */
  next(match: RequestMatch): Promise<RecordedRequest> {
    return new Promise((resolve) => {
      this.#waiters.add({ match, arrived: resolve });
    });
  }
}
