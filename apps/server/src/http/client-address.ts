import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

import { OciError } from '@oci/spec-types';
import { isLoopback } from '@oci/spec-types/node';

/** What a proxy says that its client asked for. */
export interface Forwarded {
  readonly scheme?: 'http' | 'https';
  readonly host?: string;
}

/** Proxies whose `X-Forwarded-…` headers are believed: addresses, or subnets like `10.0.0.0/8`. */
export class TrustedProxies {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** @throws OciError `CONFIG_INVALID` */
  constructor(entries: readonly string[]) {
    this.#isEmpty = entries.length === 0;
    for (const entry of entries) this.#add(entry);
  }

  /** The last address that no trusted proxy has; a header that anybody could have sent is not read. */
  clientOf(request: IncomingMessage): string {
    const peer = plain(request.socket.remoteAddress ?? 'unknown');
    if (this.#isEmpty || !this.#trusts(peer)) return peer;
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    for (const hop of forwarded.map((text) => plain(text.trim())).reverse()) {
      if (isIP(hop) === 0) return peer;
      if (!this.#trusts(hop)) return hop;
    }
    return peer;
  }

  /** What the nearest proxy wrote, which is last; nothing of a peer that is not trusted. */
  forwardedOf({ socket, headers }: IncomingMessage): Forwarded {
    if (this.#isEmpty || !this.#trusts(plain(socket.remoteAddress ?? ''))) return {};
    const scheme = lastOf(headers['x-forwarded-proto']).toLowerCase();
    const host = lastOf(headers['x-forwarded-host']);
    return {
      ...((scheme === 'http' || scheme === 'https') && { scheme }),
      ...(host !== '' && { host }),
    };
  }

  /** Tells whether a peer stands for many clients: a trusted proxy, or anything on this machine. */
  isShared(peer: string): boolean {
    return isLoopback(plain(peer)) || this.#trusts(plain(peer));
  }

  #trusts(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }

  #add(entry: string): void {
    const [address = '', bits] = entry.split('/', 2);
    const version = isIP(address);
    const prefix = Number(bits ?? (version === 6 ? 128 : 32));
    try {
      this.#list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
    } catch (cause) {
      throw new OciError('CONFIG_INVALID', `${JSON.stringify(entry)} is no address or subnet`, {
        cause,
        hint: 'server.trusted_proxies looks like ["127.0.0.1", "10.0.0.0/8"].',
      });
    }
  }
}

function lastOf(header: string | readonly string[] | undefined): string {
  return [header ?? []].flat().join(',').split(',').at(-1)?.trim() ?? '';
}

/** An IPv4 address in IPv6's clothes is the same client. */
function plain(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
