import http from 'node:http';

/**
 * What a program asked of a registry.
 *
 * @typedef {object} Traffic
 * @property {readonly string[]} requests `METHOD /path status`, in order
 * @property {number} connections
 * @property {number} bytesSent by the client, headers included
 * @property {number} bytesReceived
 */

const token = 'bench-token';

/**
 * An HTTP proxy in front of a registry that counts, and, when asked, lets in only who got a bearer token from it.
 *
 * @param {{ target: { host: string, port: number }, bearer?: boolean }} options
 */
export async function startFront({ target, bearer = false }) {
  const agent = new http.Agent({ keepAlive: true });
  /** @type {string[]} */
  let requests = [];
  let counters = { connections: 0, bytesSent: 0, bytesReceived: 0 };
  const server = http.createServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    response.on('finish', () => requests.push(`${line} ${response.statusCode}`));
    response.on('error', () => {});
    if (bearer && answerAuthorization(request, response)) return;
    forward(request, response, { target, agent });
  });
  server.on('connection', (socket) => {
    counters.connections += 1;
    const own = counters;
    socket.on('error', () => {});
    socket.on('close', () => {
      own.bytesSent += socket.bytesRead;
      own.bytesReceived += socket.bytesWritten;
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    host: `127.0.0.1:${port}`,
    port,
    /** What came since it was last asked. @returns {Promise<Traffic>} */
    async traffic() {
      server.closeAllConnections();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const traffic = { ...counters, requests };
      requests = [];
      counters = { connections: 0, bytesSent: 0, bytesReceived: 0 };
      return traffic;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @returns {boolean} whether it was answered
 */
function answerAuthorization(request, response) {
  if (request.url?.startsWith('/token')) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ token, access_token: token, expires_in: 300 }));
    return true;
  }
  if (request.headers.authorization === `Bearer ${token}`) return false;
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags|referrers)\//.exec(
    request.url ?? '',
  )?.[1];
  const scope = repository === undefined ? '' : `,scope="repository:${repository}:pull"`;
  const realm = `http://${request.headers.host}/token`;
  response.writeHead(401, {
    'www-authenticate': `Bearer realm="${realm}",service="bench"${scope}`,
  });
  response.end('{"errors":[{"code":"UNAUTHORIZED","message":"a token is needed"}]}');
  return true;
}

/**
 * @param {http.IncomingMessage} request
 * @param {http.ServerResponse} response
 * @param {{ target: { host: string, port: number }, agent: http.Agent }} to
 */
function forward(request, response, { target, agent }) {
  const { authorization: _, ...headers } = request.headers;
  const upstream = http.request(
    { ...target, agent, method: request.method, path: request.url, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    },
  );
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}
