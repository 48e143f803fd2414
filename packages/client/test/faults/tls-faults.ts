import type { FaultTable } from './fault-row.js';

export const tlsFaults: FaultTable = {
  title: 'TLS',
  rows: [
    {
      fault: 'a certificate that nobody vouches for',
      operation: 'ping',
      registry: { tls: true },
      outcome: 'TLS',
    },
    {
      fault: 'a certificate that nobody vouches for, and any is accepted',
      operation: 'ping',
      registry: { tls: true },
      client: { insecure: true },
      outcome: 'read',
    },
    {
      fault: 'HTTPS asked of a server of HTTP',
      operation: 'ping',
      scheme: 'https',
      outcome: 'TLS',
    },
    {
      fault: 'HTTP asked of a server of HTTPS',
      operation: 'ping',
      registry: { tls: true },
      scheme: 'http',
      outcome: 'NETWORK',
    },
    {
      fault: 'HTTP asked of a server of HTTPS that says so',
      operation: 'ping',
      faults: [
        { path: '/v2/', status: 400, body: 'Client sent an HTTP request to an HTTPS server.' },
      ],
      outcome: 'TLS',
    },
    {
      fault: 'the connection is closed in the handshake',
      operation: 'ping',
      scheme: 'https',
      serve: (socket) => socket.once('data', () => socket.end()),
      outcome: 'NETWORK',
    },
    {
      fault: 'the handshake never ends',
      operation: 'ping',
      scheme: 'https',
      serve: () => {},
      client: {
        timeouts: { connectMs: 300 },
        retry: { attempts: 2, delay: async () => {} },
      },
      outcome: 'TIMEOUT',
    },
  ],
};
