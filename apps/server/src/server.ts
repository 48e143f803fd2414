import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createFileObjectStore } from '@oci/cache';
import { OciManager, type OciManagerOptions } from '@oci/manager';
import { OciError } from '@oci/spec-types';

import { createApp } from './api/app.js';
import { createHostedRegistry } from './hosted/hosted-registry.js';
import { type ListenAddress, formatOrigin, isLoopback } from './listen-address.js';
import { createRegistryApi } from './registry-api/registry-api.js';

export interface ServerOptions {
  readonly listen: ListenAddress;
  /** Where hosted repositories are kept. */
  readonly dataDir: string;
  /** What the API manages; `registryUrl` is this server's own when absent. */
  readonly manager: Omit<OciManagerOptions, 'registryUrl'> & {
    readonly registryUrl?: string | undefined;
  };
  /** Serve HTTP to other machines, where anybody reads and alters what passes. Default false. */
  readonly allowPlainHttp?: boolean | undefined;
  readonly logLevel?: string | undefined;
}

export interface RunningServer {
  /** `http://host:port`. */
  readonly url: string;
  /** Lets running requests end, at most `graceMs` (default 10 s), and closes. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** How often abandoned uploads are looked for, and how long one may rest, in milliseconds. */
const uploads = { sweepEveryMs: 60 * 60_000, olderThanMs: 24 * 60 * 60_000 };

/**
 * Starts the registry and the API on one port.
 *
 * @throws OciError `POLICY_REFUSED` for an address that others reach, `CONFIG_INVALID` when it is taken
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  refusePublicHttp(options);
  const hosted = createHostedRegistry(createFileObjectStore(options.dataDir));
  const registryApi = createRegistryApi({
    registry: hosted,
    onFailure: (error) => app.log.error(error),
  });
  let manager: OciManager | undefined;
  const app = createApp({
    logLevel: options.logLevel,
    manager: () =>
      (manager ??= new OciManager({
        ...options.manager,
        registryUrl: options.manager.registryUrl ?? url,
      })),
    attach: (handler) =>
      createHttpServer((request, response) => {
        const isRegistry = /^\/v2(?:[/?]|$)/.test(request.url ?? '');
        if (isRegistry) void registryApi(request, response);
        else handler(request, response);
      }),
  });
  await app.ready();
  const address = await listen(app.server, options.listen);
  const url = formatOrigin({ host: options.listen.host, port: address.port });

  const sweep = (): void =>
    void hosted
      .expireUploads({ olderThanMs: uploads.olderThanMs })
      .catch((error: unknown) => app.log.error(error));
  sweep();
  const timer = setInterval(sweep, uploads.sweepEveryMs).unref();
  return {
    url,
    async close({ graceMs = 10_000 } = {}) {
      clearInterval(timer);
      const deadline = setTimeout(() => app.server.closeAllConnections(), graceMs);
      // Fastify closes only what it listens on itself.
      await Promise.all([closeServer(app.server), app.close()]);
      clearTimeout(deadline);
      await manager?.close();
    },
  };
}

/** Deadlines that mean progress: a large upload may take its time, a connection that is silent not. */
function createHttpServer(handler: RequestListener): Server {
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000 }, handler);
  server.timeout = 5 * 60_000;
  return server;
}

function refusePublicHttp({ listen: { host }, allowPlainHttp }: ServerOptions): void {
  if (allowPlainHttp || isLoopback(host)) return;
  throw new OciError(
    'POLICY_REFUSED',
    `${host} is reached by other machines, and HTTP protects nothing`,
    {
      hint: 'Listen on 127.0.0.1 behind a TLS proxy, or accept the risk with --allow-plain-http.',
    },
  );
}

function listen(server: Server, { host, port }: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE' ? 'is in use' : `can't be listened on (${cause.code})`;
      reject(
        new OciError('CONFIG_INVALID', `${host}:${port} ${why}`, {
          cause,
          hint: 'Choose another with --listen 127.0.0.1:PORT; port 0 takes a free one.',
        }),
      );
    });
    server.listen(port, host, () => resolve(server.address() as AddressInfo));
  });
}

/** Ends when the requests that run have ended; connections without one are closed at once. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
