import net from 'node:net';

/**
 * A link with a delay, and a rate for each connection, in front of a server on loopback.
 *
 * @typedef {object} LinkOptions
 * @property {{ readonly host: string, readonly port: number }} target
 * @property {number} roundTripMs
 * @property {number} [bytesPerSecond] of one connection, towards the client; default unlimited
 * @property {number} [bytesPerSecondUp] of one connection, towards the server; default unlimited
 */

/**
 * Starts it on a free port. A new connection costs a round trip of its own, as its handshake would: what the
 * client sends first is kept back for that long. Slow start, loss and TLS are not modelled.
 *
 * @param {LinkOptions} options
 */
export async function startLink(options) {
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ ...options.target, allowHalfOpen: true });
    const oneWayMs = options.roundTripMs / 2;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    carry(client, upstream, {
      delayMs: oneWayMs,
      handshakeMs: options.roundTripMs,
      bytesPerSecond: options.bytesPerSecondUp,
    });
    carry(upstream, client, { delayMs: oneWayMs, bytesPerSecond: options.bytesPerSecond });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  return {
    host: `127.0.0.1:${port}`,
    port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Bytes that may be under way beyond what rate and delay need: a router's buffer. */
const bufferBytes = 512 * 1024;

/**
 * Carries one direction. Every chunk gets the moment at which it leaves the link, when its last byte has
 * passed at the given rate, and arrives a delay later: so the delay doesn't limit the rate. More than the
 * link holds is not read, so that a sender feels the rate; what the receiver doesn't take waits.
 *
 * @param {net.Socket} from
 * @param {net.Socket} to
 * @param {{ delayMs: number, handshakeMs?: number, bytesPerSecond?: number | undefined }} link
 */
function carry(from, to, { delayMs, handshakeMs = 0, bytesPerSecond = Infinity }) {
  const bytesPerMs = bytesPerSecond / 1000;
  const most = Math.min(64 * 1024 * 1024, bytesPerMs * delayMs + bufferBytes);
  /** @type {{ chunk: Buffer | undefined, at: number }[]} */
  const queue = [];
  let queued = 0;
  let freeAt = performance.now() + handshakeMs;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let isBlocked = false;

  const push = (/** @type {Buffer | undefined} */ chunk) => {
    const size = chunk?.byteLength ?? 0;
    freeAt = Math.max(freeAt, performance.now()) + size / bytesPerMs;
    queue.push({ chunk, at: freeAt + delayMs });
    queued += size;
    if (queued > most) from.pause();
    schedule();
  };
  const schedule = () => {
    const [head] = queue;
    if (!head || timer !== undefined || isBlocked) return;
    timer = setTimeout(deliver, Math.max(0, head.at - performance.now()));
  };
  const deliver = () => {
    timer = undefined;
    const now = performance.now();
    while (!isBlocked && queue[0] && queue[0].at <= now + 0.5) {
      const { chunk } = queue.shift() ?? {};
      if (!chunk) return void to.end();
      queued -= chunk.byteLength;
      isBlocked = !to.write(chunk);
    }
    if (queued <= most) from.resume();
    schedule();
  };
  to.on('drain', () => {
    isBlocked = false;
    deliver();
  });
  from.on('data', push);
  from.on('end', () => push(undefined));
  from.on('error', () => to.destroy());
  to.on('close', () => {
    clearTimeout(timer);
    queue.length = 0;
    // Both sides end one after the other; who breaks off breaks the other off.
    if (!from.readableEnded) from.destroy();
  });
}
