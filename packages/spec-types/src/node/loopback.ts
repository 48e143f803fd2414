import { isIP } from 'node:net';

/**
 * Whether only this machine reaches a host: `localhost`, `127.0.0.0/8` and `::1`. A name below `.localhost` is not
 * taken for it: not every resolver keeps such names on the machine (RFC 6761 section 6.3).
 *
 * @param host without a port and without brackets
 */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
