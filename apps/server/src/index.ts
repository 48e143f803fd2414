export { type ListenAddress, formatOrigin, parseListenAddress } from './listen-address.js';
export { type RunningServer, type ServerOptions, startServer } from './server.js';
