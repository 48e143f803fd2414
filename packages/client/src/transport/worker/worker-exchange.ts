import { lookup as lookUp } from 'node:dns';
import { type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';

import { isHeaderValue } from '../origin-headers.js';
import { publicLookup } from '../address-policy.js';
import { closed } from '../closed.js';
import type { ConnectionOptions } from '../connection-options.js';
import type { RegistryRequest, RegistryResponse } from '../exchange.js';
import { networkFailure } from '../network-failure.js';
import type { FilePlace } from './file-place.js';
import type { WorkerRequest, WorkerTls } from './messages.js';
import { WorkerAnswer } from './worker-answer.js';

/** Sends requests for large bodies by workers, which write them to files. */
export class WorkerExchange {
  readonly #options: ConnectionOptions;
  readonly #running = new Set<WorkerAnswer>();
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** @returns undefined where no worker can be had, or the answer is not one that workers read */
  async send(request: RegistryRequest, into: FilePlace): Promise<RegistryResponse | undefined> {
    const text = requestText(request, this.#options.userAgent);
    if (text === undefined || request.method !== 'GET' || request.body) return undefined;
    const { url, signal } = request;
    const addresses = await addressesOf(url, request.publicOnly ?? false);
    if (this.#isClosed) throw closed(url.host);
    const chosen = signal?.aborted ? undefined : into.take();
    if (!chosen || chosen.worker.isLost) return undefined;
    const { connectMs, headersMs } = this.#options.timeouts;
    const target = this.#targetOf(request, addresses);
    const answer = new WorkerAnswer({ ...chosen, into, request });
    this.#running.add(answer);
    const head = await answer
      .ask({ target, text, connectMs, headersMs }, () => this.#running.delete(answer))
      .catch((error: unknown) => {
        throw networkFailure(error, request);
      });
    return head && { ...head, url, attempts: 1 };
  }

  /** Ends all that runs. */
  close(): void {
    this.#isClosed = true;
    for (const answer of this.#running) answer.fail(closed(this.#options.origin.host));
  }

  #targetOf(
    request: RegistryRequest,
    addresses: readonly LookupAddress[],
  ): WorkerRequest['target'] {
    const { url, publicOnly = false } = request;
    const tls = url.protocol === 'https:' ? this.#tlsOf(request) : undefined;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return {
      host,
      port: Number(url.port || (tls ? 443 : 80)),
      addresses,
      tls: tls && { ...tls, ...(isIP(host) === 0 && { servername: host }) },
      key: JSON.stringify([
        url.origin,
        publicOnly,
        tls?.rejectUnauthorized,
        tls?.cert !== undefined,
      ]),
    };
  }

  /** As the pooled connections of other requests: who we are is shown to the registry's exact origin alone. */
  #tlsOf({ url, strayed }: RegistryRequest): WorkerTls {
    const { origin, insecure = false, clientCertificate, ca } = this.#options;
    const isKnown = url.origin === origin.origin && !strayed;
    const isLax = insecure && url.hostname === origin.hostname;
    return { rejectUnauthorized: !isLax, ca, ...(isKnown && clientCertificate) };
  }
}

/** The head of the request; undefined when there is something in it that can't be sent as it is. */
function requestText(request: RegistryRequest, userAgent: string): string | undefined {
  const { url } = request;
  const path = url.pathname + url.search;
  const headers = Object.entries({ 'user-agent': userAgent, ...request.headers });
  const isSound =
    /^[\x21-\x7e]+$/.test(path) &&
    headers.every(([name, value]) => /^[\w-]+$/.test(name) && isHeaderValue(value)) &&
    !headers.some(([name]) => /^(?:host|connection|content-length|transfer-encoding)$/i.test(name));
  if (!isSound) return undefined;
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n${lines.join('')}\r\n`;
}

/** The addresses of a host that may be connected to. @throws OciError `POLICY_REFUSED` */
function addressesOf(url: URL, publicOnly: boolean): Promise<readonly LookupAddress[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (family !== 0) return Promise.resolve([{ address: host, family }]);
  return new Promise((resolve, reject) => {
    const look = publicOnly ? publicLookup : lookUp;
    look(host, { all: true }, (error: Error | null, found: string | LookupAddress[]) => {
      if (error) reject(error);
      else resolve(typeof found === 'string' ? [] : found);
    });
  });
}
